package top

import "unicode/utf8"

// dropOrder are the columns that a narrow terminal does without, the first of them first.
var dropOrder = []string{"STRANDED", "MEMORY", "LARGEST SLICE", "ALLOCATED"}

// dropColumns leaves columns out of a table, whose first row is its head, until it is at most so wide;
// 0 is any width.
func dropColumns(rows [][]string, width int) [][]string {
	for _, drop := range dropOrder {
		if width <= 0 || tableWidth(rows) <= width {
			break
		}
		for at, name := range rows[0] {
			if name != drop {
				continue
			}
			for i, row := range rows {
				rows[i] = append(append([]string(nil), row[:at]...), row[at+1:]...)
			}
			break
		}
	}
	return rows
}

// tableWidth is how wide a table is whose columns are two spaces apart.
func tableWidth(rows [][]string) int {
	width := 0
	for column := range rows[0] {
		most := 0
		for _, row := range rows {
			most = max(most, utf8.RuneCountInString(row[column]))
		}
		width += most + 2
	}
	return width - 2
}
