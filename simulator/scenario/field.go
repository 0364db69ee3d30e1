package scenario

import "fmt"

// FieldError is what is wrong with one field.
type FieldError struct {
	// Path is where, as in "workloads[2].duration.fixed".
	Path string
	// Problem is what is wrong and what to do about it.
	Problem string
}

func (e *FieldError) Error() string { return e.Path + ": " + e.Problem }

func fieldErrorf(path, format string, args ...any) error {
	return &FieldError{Path: path, Problem: fmt.Sprintf(format, args...)}
}

// checkRange checks a number against its bounds.
func checkRange(path string, value, low, high int64) error {
	if value < low || value > high {
		return fieldErrorf(path, "%d, want %d to %d", value, low, high)
	}
	return nil
}

// oneOf checks that exactly one of some fields is given.
func oneOf(path string, given map[string]bool, names ...string) error {
	count := 0
	for _, name := range names {
		if given[name] {
			count++
		}
	}
	if count == 1 {
		return nil
	}
	what := "none is"
	if count > 1 {
		what = fmt.Sprintf("%d are", count)
	}
	return fieldErrorf(path, "want exactly one of %s, %s given", listNames(names), what)
}

func listNames(names []string) string {
	text := ""
	for i, name := range names {
		switch {
		case i > 0 && i == len(names)-1:
			text += " and "
		case i > 0:
			text += ", "
		}
		text += name
	}
	return text
}
