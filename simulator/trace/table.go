package trace

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// maxRows bounds a file: openb has 8152 pods, and a hundred times that many is more
// than a run has time for.
const maxRows = 1_000_000

// maxBytes bounds a file, since a line can be of any length.
const maxBytes = 256 << 20

// boundedReader refuses to read more than maxBytes.
type boundedReader struct {
	in   io.Reader
	left int64
	err  error // when there is more, errTooLong if nil
}

var errTooLong = fmt.Errorf("more than %d bytes: this is no pod or node list", int64(maxBytes))

func (b *boundedReader) Read(into []byte) (int, error) {
	if b.left <= 0 {
		return 0, cmp.Or(b.err, errTooLong)
	}
	n, err := b.in.Read(into[:min(int64(len(into)), b.left)])
	b.left -= int64(n)
	return n, err
}

// csvTable reads a CSV file with a header, row by row.
type csvTable struct {
	file   string
	reader *csv.Reader
	column map[string]int
	// cells and line are of the current row; err is the first thing wrong in it.
	cells []string
	line  int
	rows  int
	// maxRows is how many there may be.
	maxRows int
	err     error
	// names has the line of each row's name, which no two rows may share.
	names map[string]int
}

// newCSVTable reads the header. Columns that are not asked for are ignored.
func newCSVTable(file string, in io.Reader, required ...string) (*csvTable, error) {
	reader := csv.NewReader(&boundedReader{in: in, left: maxBytes})
	t := &csvTable{file: file, reader: reader, column: map[string]int{}, names: map[string]int{}, maxRows: maxRows}
	t.reader.ReuseRecord = true
	header, err := t.reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:1: is empty, want a header with the columns %s", file, strings.Join(required, ","))
	}
	if err != nil {
		return nil, t.locateError(err)
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

// nextRow goes to the next row; not ok at the end of the file.
func (t *csvTable) nextRow() (ok bool, err error) {
	t.cells, err = t.reader.Read()
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, t.locateError(err)
	}
	t.line, _ = t.reader.FieldPos(0)
	if t.rows++; t.rows > t.maxRows {
		return false, fmt.Errorf("%s:%d: more than %d rows, cut the file into several", t.file, t.line, t.maxRows)
	}
	return true, nil
}

// locateError puts the file and line before an error of the CSV reader.
func (t *csvTable) locateError(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("%s:%d: %w", t.file, parse.Line, parse.Err)
	}
	return fmt.Errorf("%s: %w", t.file, err)
}

// textOf is a cell, "" where the file lacks the column.
func (t *csvTable) textOf(column string) string {
	i, found := t.column[column]
	if !found {
		return ""
	}
	return strings.Clone(strings.TrimSpace(t.cells[i]))
}

// wholeNumber is a cell with a whole number from 0 to most.
func (t *csvTable) wholeNumber(column string, most int64) int64 {
	n, err := strconv.ParseInt(t.textOf(column), 10, 64)
	if err != nil || n < 0 || n > most {
		t.refuseCell(column, "%q is not a whole number from 0 to %d", t.textOf(column), most)
	}
	return n
}

// refuseCell notes what is wrong with the row, unless something was wrong before.
func (t *csvTable) refuseCell(column, format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf("%s:%d: %s: %w", t.file, t.line, column, fmt.Errorf(format, args...))
	}
}

// nameOf is the cell that names the row. It refuses a name that came before.
func (t *csvTable) nameOf(column string) string {
	name := t.textOf(column)
	if name == "" {
		t.refuseCell(column, "is empty, give every row a name of its own")
	}
	if line, twice := t.names[name]; twice {
		t.refuseCell(column, "%q is in line %d already, give every row a name of its own", name, line)
	}
	t.names[name] = t.line
	return name
}

// readRows reads the rest of the table, each row by read, and stops at the first row
// with which something is wrong.
func readRows[T any](t *csvTable, read func(*csvTable) T) ([]T, error) {
	var rows []T
	for {
		ok, err := t.nextRow()
		if err != nil || !ok {
			return rows, err
		}
		row := read(t)
		if t.err != nil {
			return nil, t.err
		}
		rows = append(rows, row)
	}
}
