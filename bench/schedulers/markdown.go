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

// lineWidth is how many characters a line of prose has at most.
const lineWidth = 140

// wrapProse breaks lines of prose; tables stay as they are.
func wrapProse(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "|") {
			lines = append(lines, line)
			continue
		}
		current := ""
		for word := range strings.FieldsSeq(line) {
			switch {
			case current == "":
				current = word
			case len([]rune(current))+1+len([]rune(word)) > lineWidth:
				lines = append(lines, current)
				current = word
			default:
				current += " " + word
			}
		}
		lines = append(lines, current)
	}
	return strings.Join(lines, "\n")
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
