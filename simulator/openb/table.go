package openb

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// maxRows bounds a file: the trace has 8152 pods, and a thousand times that many is
// more than an experiment has time for.
const maxRows = 1_000_000

// maxBytes bounds a file, since a line can be of any length.
const maxBytes = 256 << 20

// bounded refuses to read more than maxBytes.
type bounded struct {
	in   io.Reader
	left int64
}

var errTooLong = fmt.Errorf("more than %d bytes: this is no pod or node list", int64(maxBytes))

func (b *bounded) Read(into []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.in.Read(into[:min(int64(len(into)), b.left)])
	b.left -= int64(n)
	return n, err
}

// table reads a CSV file with a header, row by row.
type table struct {
	file   string
	reader *csv.Reader
	column map[string]int
	// cells and line are of the current row; err is the first thing wrong in it.
	cells []string
	line  int
	rows  int
	err   error
}

// newTable reads the header. Columns that are not asked for are ignored.
func newTable(file string, in io.Reader, required ...string) (*table, error) {
	t := &table{file: file, reader: csv.NewReader(&bounded{in, maxBytes}), column: map[string]int{}}
	t.reader.ReuseRecord = true
	header, err := t.reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:1: is empty, want a header with the columns %s", file, strings.Join(required, ","))
	}
	if err != nil {
		return nil, t.problem(err)
	}
	for i, name := range header {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		if _, twice := t.column[name]; twice && slices.Contains(required, name) {
			return nil, fmt.Errorf("%s:1: %s: the column is there twice, remove one", file, name)
		}
		t.column[name] = i
	}
	for _, name := range required {
		if _, found := t.column[name]; !found {
			return nil, fmt.Errorf("%s:1: %s: the column is missing, want %s", file, name, strings.Join(required, ","))
		}
	}
	return t, nil
}

// next goes to the next row; not ok at the end of the file.
func (t *table) next() (ok bool, err error) {
	t.cells, err = t.reader.Read()
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, t.problem(err)
	}
	t.line, _ = t.reader.FieldPos(0)
	if t.rows++; t.rows > maxRows {
		return false, fmt.Errorf("%s:%d: more than %d rows, cut the file into several", t.file, t.line, maxRows)
	}
	return true, nil
}

// problem is an error of the CSV reader with the file and line it is about.
func (t *table) problem(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("%s:%d: %w", t.file, parse.Line, parse.Err)
	}
	return fmt.Errorf("%s: %w", t.file, err)
}

// text is a cell, "" where the file lacks the column.
func (t *table) text(column string) string {
	i, found := t.column[column]
	if !found {
		return ""
	}
	return strings.Clone(strings.TrimSpace(t.cells[i]))
}

// whole is a cell with a whole number from 0 to most.
func (t *table) whole(column string, most int64) int64 {
	n, err := strconv.ParseInt(t.text(column), 10, 64)
	if err != nil || n < 0 || n > most {
		t.refuse(column, "%q is not a whole number from 0 to %d", t.text(column), most)
	}
	return n
}

// refuse notes what is wrong with the row, unless something was wrong before.
func (t *table) refuse(column, format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf("%s:%d: %s: %w", t.file, t.line, column, fmt.Errorf(format, args...))
	}
}

// names refuses a name that came before.
type names map[string]int

func (n names) check(t *table, column, name string) {
	if name == "" {
		t.refuse(column, "is empty, give every row a name of its own")
	}
	if line, twice := n[name]; twice {
		t.refuse(column, "%q is in line %d already, give every row a name of its own", name, line)
	}
	n[name] = t.line
}
