package main

import (
	"fmt"
	"strings"
)

// markdownTable is a table whose first column is text and whose others are numbers.
type markdownTable struct {
	columns []string
	rows    [][]string
}

func (t *markdownTable) addRow(cells ...string) { t.rows = append(t.rows, cells) }

// String is the table; "" without rows.
func (t *markdownTable) String() string {
	if len(t.rows) == 0 {
		return ""
	}
	var text strings.Builder
	fmt.Fprintf(&text, "| %s |\n| ---", strings.Join(t.columns, " | "))
	text.WriteString(strings.Repeat(" | ---:", len(t.columns)-1) + " |\n")
	for _, row := range t.rows {
		fmt.Fprintf(&text, "| %s |\n", strings.Join(row, " | "))
	}
	return text.String()
}

// noFigure stands where nothing was measured.
const noFigure = "-"

// formatFigure is a positive number with two digits or more; noFigure if there is none.
func formatFigure(value float64) string {
	switch {
	case value <= 0:
		return noFigure
	case value < 1:
		return fmt.Sprintf("%.2f", value)
	case value < 100:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.0f", value)
}

// formatRatio is a quotient; noFigure if there is none.
func formatRatio(value float64) string {
	if value <= 0 {
		return noFigure
	}
	if value < 10 {
		return fmt.Sprintf("%.2f", value)
	}
	return fmt.Sprintf("%.0f", value)
}

// formatSeconds is a time; noFigure if there is none.
func formatSeconds(value float64) string {
	if value <= 0 {
		return noFigure
	}
	return fmt.Sprintf("%.2f s", value)
}
