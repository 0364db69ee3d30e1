package readme

import (
	"fmt"
	"os"
	"strings"
)

const end = "<!-- end -->"

// Write replaces what stands in the file between "<!-- begin: command -->" and the
// next "<!-- end -->" by the table.
func Write(file, command, table string) error {
	begin := "<!-- begin: " + command + " -->"
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s has no markers %s and %s", file, begin, end)
	}
	return os.WriteFile(file, []byte(before+begin+"\n"+strings.TrimSpace(table)+"\n"+end+after), 0o644) //nolint:gosec // a public document
}
