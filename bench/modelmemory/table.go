package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// row is one line of a CSV file by column name.
type row map[string]string

// readTable reads a CSV file with a header; no file gives no rows.
func readTable(file string) ([]row, error) {
	if file == "" {
		return nil, nil
	}
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	reader := csv.NewReader(in)
	reader.TrimLeadingSpace = true
	lines, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s: a header with the columns' names is needed", file)
	}
	header := lines[0]
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	var rows []row
	for _, line := range lines[1:] {
		r := row{}
		for i, name := range header {
			r[name] = strings.TrimSpace(line[i])
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// number reads a cell, 0 if it is empty or no number.
func (r row) number(column string) float64 {
	value, err := strconv.ParseFloat(r[column], 64)
	if err != nil {
		return 0
	}
	return value
}

func (r row) integer(column string) int64 { return int64(r.number(column)) }

// table is a result: columns in order and rows by column.
type table struct {
	columns []string
	rows    []row
}

func (t *table) csv(out io.Writer) error {
	writer := csv.NewWriter(out)
	if err := writer.Write(t.columns); err != nil {
		return err
	}
	for _, r := range t.rows {
		line := make([]string, len(t.columns))
		for i, column := range t.columns {
			line[i] = r[column]
		}
		if err := writer.Write(line); err != nil {
			return err
		}
	}
	writer.Flush()
	return writer.Error()
}

func (t *table) markdown(out *strings.Builder, columns ...string) {
	heads, rule := make([]string, len(columns)), make([]string, len(columns))
	for i, column := range columns {
		heads[i], rule[i] = strings.ReplaceAll(column, "_", " "), "---"
	}
	fmt.Fprintf(out, "| %s |\n| %s |\n", strings.Join(heads, " | "), strings.Join(rule, " | "))
	for _, r := range t.rows {
		cells := make([]string, len(columns))
		for i, column := range columns {
			cells[i] = strings.ReplaceAll(r[column], "|", "\\|")
			if cut, _, long := strings.Cut(cells[i], ": "); long && column == "because" && !strings.HasPrefix(cells[i], "unknown") {
				cells[i] = cut // the arithmetic is in the CSV
			}
		}
		fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
	}
}
