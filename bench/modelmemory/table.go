package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// csvRow is one line of a CSV file by column name, in lower case.
type csvRow map[string]string

// bad is the column for why a line could not be read; no file has one of that name.
const bad = "\x00"

// whyUnreadable says why the row's line could not be read, nil if it could.
func (r csvRow) whyUnreadable() error {
	if r[bad] == "" {
		return nil
	}
	return errors.New(r[bad])
}

// maxRecord is over how many lines a quoted cell may go.
const maxRecord = 50

// readTable reads a CSV file with a header; no file gives no rows. A line that cannot be
// read gives a row that says so: the others are judged all the same.
func readTable(file string) ([]csvRow, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.ReplaceAll(strings.TrimPrefix(string(text), "\ufeff"), "\r\n", "\n"), "\n")
	var header []string
	var rows []csvRow
	for i := 0; i < len(lines); {
		if strings.TrimSpace(lines[i]) == "" {
			i++
			continue
		}
		cells, took, err := readRecord(lines[i:])
		where := fmt.Sprintf("%s:%d", file, i+1)
		i += took
		if header == nil {
			if err != nil {
				return nil, fmt.Errorf("%s: the header: %w", where, err)
			}
			header = headerOf(cells)
			continue
		}
		rows = append(rows, rowOf(header, cells, where, err))
	}
	if header == nil {
		return nil, fmt.Errorf("%s: a header with the columns' names is needed", file)
	}
	return rows, nil
}

// readRecord reads the first record of the lines, and over how many it goes. A quote that is
// never closed takes no more than its own line with it.
func readRecord(lines []string) (cells []string, took int, err error) {
	for n := 1; n <= min(maxRecord, len(lines)); n++ {
		text := strings.Join(lines[:n], "\n")
		if strings.Count(text, `"`)%2 != 0 {
			continue
		}
		if cells, err := parseRecord(text, false); err == nil {
			return cells, n, nil
		}
		break
	}
	// Quotes in the middle of a cell are taken as they stand. One that opens a cell and
	// is not closed takes in what follows, the mark too.
	const mark = "\x01"
	cells, err = parseRecord(lines[0]+","+mark, true)
	if err != nil {
		return nil, 1, err
	}
	last := len(cells) - 1
	if cells[last] == mark {
		return cells[:last], 1, nil
	}
	cells[last] = strings.TrimSuffix(cells[last], ","+mark)
	return cells, 1, errors.New("a quote is not closed")
}

func parseRecord(text string, lazy bool) ([]string, error) {
	reader := csv.NewReader(strings.NewReader(text))
	reader.TrimLeadingSpace, reader.FieldsPerRecord, reader.LazyQuotes = true, -1, lazy
	cells, err := reader.Read()
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return nil, fmt.Errorf("column %d: %w", parse.Column, parse.Err)
	}
	return cells, err
}

func headerOf(cells []string) []string {
	header := make([]string, len(cells))
	for i, name := range cells {
		header[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
	}
	return header
}

// rowOf names the cells. Those that a short line lacks are empty, and what follows the
// last column is not looked at.
func rowOf(header, cells []string, where string, err error) csvRow {
	r := csvRow{}
	for i, name := range header {
		if i < len(cells) && r[name] == "" {
			r[name] = strings.TrimSpace(cells[i])
		}
	}
	if err != nil {
		r[bad] = fmt.Sprintf("%s cannot be read: %v", where, err)
	}
	return r
}

var (
	grouped = regexp.MustCompile(`^[+-]?\d{1,3}([,_ ]\d{3})+(\.\d+)?$`)
	unit    = regexp.MustCompile(`(?i)\s*(gib|gb|tokens|tok)$`)
)

// numberAt reads a cell such as 0.9, 4,096, 32k, 50.28 GiB or 90 %; 0 if it is empty or no
// number.
func (r csvRow) numberAt(column string) float64 {
	text := unit.ReplaceAllString(strings.TrimLeft(r[column], "~≈ "), "")
	if grouped.MatchString(text) {
		text = strings.NewReplacer(",", "", "_", "", " ", "").Replace(text)
	}
	scale := 1.0
	if part, percent := strings.CutSuffix(text, "%"); percent {
		text, scale = strings.TrimSpace(part), 0.01
	}
	if n, err := launch.ParseNumber(text); err == nil {
		return float64(n) * scale
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0
	}
	return value * scale
}

// integerAt reads a cell as a whole number, within bounds that keep it one.
func (r csvRow) integerAt(column string) int64 {
	return int64(max(-1<<52, min(1<<52, r.numberAt(column))))
}

// resultTable is a result: columns in order and rows by column.
type resultTable struct {
	columns []string
	rows    []csvRow
}

func (t *resultTable) writeCSV(out io.Writer) error {
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

func (t *resultTable) writeMarkdown(out *strings.Builder, columns ...string) {
	heads, rule := make([]string, len(columns)), make([]string, len(columns))
	for i, column := range columns {
		heads[i], rule[i] = strings.ReplaceAll(column, "_", " "), "---"
	}
	fmt.Fprintf(out, "| %s |\n| %s |\n", strings.Join(heads, " | "), strings.Join(rule, " | "))
	for _, r := range t.rows {
		cells := make([]string, len(columns))
		for i, column := range columns {
			cells[i] = strings.NewReplacer("|", "\\|", "\n", " ").Replace(r[column])
			reasoned := column == "because" && !strings.HasPrefix(cells[i], "unknown") && !strings.HasPrefix(cells[i], "assumed")
			if cut, _, long := strings.Cut(cells[i], ": "); long && reasoned {
				cells[i] = cut // the arithmetic is in the CSV
			}
		}
		fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
	}
}
