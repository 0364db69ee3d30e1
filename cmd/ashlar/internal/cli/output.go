package cli

import (
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Formats of -o.
const (
	FormatText  = "text"
	FormatTable = "table"
	FormatJSON  = "json"
	FormatCSV   = "csv"
)

// OutputFlag is -o, how a command prints what it found.
type OutputFlag struct {
	Format  string
	formats []string
}

// AddTo defines the flag for a command, with the formats that it knows, the first of
// which is the default.
func (o *OutputFlag) AddTo(command *cobra.Command, usage string, formats ...string) {
	o.formats = formats
	command.Flags().StringVarP(&o.Format, "output", "o", formats[0], "output format: "+usage)
	CompleteFlag(command, "output", func() []string { return formats })
}

// CheckFormat refuses a format that the command does not know.
func (o *OutputFlag) CheckFormat() error {
	switch {
	case slices.Contains(o.formats, o.Format):
		return nil
	case len(o.formats) == 2:
		return UsageErrorf("--output %q: want %s or %s", o.Format, o.formats[0], o.formats[1])
	}
	return UsageErrorf("--output %q: want one of %s", o.Format, strings.Join(o.formats, ", "))
}

// Write prints value as JSON, or calls write for any other format.
func (o *OutputFlag) Write(w io.Writer, value any, write func(io.Writer) error) error {
	if o.Format == FormatJSON {
		return WriteJSON(w, value)
	}
	return write(w)
}

// WriteJSON prints value as indented JSON.
func WriteJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
