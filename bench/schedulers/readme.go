package main

import (
	"fmt"
	"os"
	"strings"
)

const (
	begin = "<!-- begin: go run ./bench/schedulers --readme README.md -->"
	end   = "<!-- end -->"
)

// writeTable replaces what stands between the markers.
func writeTable(file, table string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s has no markers %s and %s", file, begin, end)
	}
	return os.WriteFile(file, []byte(before+begin+"\n"+table+"\n"+end+after), 0o644) //nolint:gosec // a public document
}
