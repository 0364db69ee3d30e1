package catalogue

import (
	"fmt"
	"strconv"
	"strings"
)

// fileLine is one line of a catalogue file that is neither empty nor a comment.
type fileLine struct {
	file   string
	number int64
	text   string
}

// splitLines splits a file and drops empty lines and comments. Only whole lines are
// comments: issue numbers such as "#6746" occur in sources.
func splitLines(file, text string) []fileLine {
	var kept []fileLine
	number := int64(0)
	for raw := range strings.Lines(text) {
		number++
		trimmed := strings.TrimSpace(raw)
		if trimmed != "" && !strings.HasPrefix(trimmed, "#") {
			kept = append(kept, fileLine{file, number, trimmed})
		}
	}
	return kept
}

// fieldErrorf is an error about one field of the line.
func (l fileLine) fieldErrorf(field, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s: %w", l.file, l.number, field, fmt.Errorf(format, args...))
}

// headerSetting splits a header line into its key and the rest.
func (l fileLine) headerSetting() (key, value string) {
	end := strings.IndexAny(l.text, " \t")
	if end < 0 {
		return l.text, ""
	}
	return l.text[:end], strings.TrimSpace(l.text[end:])
}

// quotedColumns splits a row at spaces, except within double quotes.
func (l fileLine) quotedColumns() ([]string, error) {
	var columns []string
	rest := l.text
	for rest != "" {
		if quoted, found := strings.CutPrefix(rest, `"`); found {
			inside, after, closed := strings.Cut(quoted, `"`)
			if !closed {
				return nil, l.fieldErrorf("quotes", "%s is not closed, add a \"", rest)
			}
			columns, rest = append(columns, inside), strings.TrimLeft(after, " \t")
			continue
		}
		end := strings.IndexAny(rest, " \t")
		if end < 0 {
			end = len(rest)
		}
		columns, rest = append(columns, rest[:end]), strings.TrimLeft(rest[end:], " \t")
	}
	return columns, nil
}

// unknownFigure stands for a figure that no capture shows.
const unknownFigure = "-"

// wholeNumber reads a whole number from low to high.
func (l fileLine) wholeNumber(field, text string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < low || n > high {
		return 0, l.fieldErrorf(field, "%q is not a whole number from %d to %d", text, low, high)
	}
	return n, nil
}

// knownFigure reads what whole reads, and 0 for unknownFigure.
func (l fileLine) knownFigure(field, text string, low, high int64) (int64, error) {
	if text == unknownFigure {
		return 0, nil
	}
	return l.wholeNumber(field, text, low, high)
}
