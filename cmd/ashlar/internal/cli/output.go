package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// Formats of -o.
const (
	FormatText  = "text"
	FormatTable = "table"
	FormatJSON  = "json"
	FormatYAML  = "yaml"
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

// Write prints value as JSON or YAML, or calls write for any other format.
func (o *OutputFlag) Write(w io.Writer, value any, write func(io.Writer) error) error {
	switch o.Format {
	case FormatJSON:
		return WriteJSON(w, value)
	case FormatYAML:
		return WriteYAML(w, value)
	}
	return write(w)
}

// WriteYAML prints value as YAML with the names of its JSON form, sorted.
func WriteYAML(w io.Writer, value any) error {
	text, err := yaml.Marshal(value)
	if err != nil {
		return fmt.Errorf("writing YAML: %w", err)
	}
	_, err = w.Write(text)
	return err
}

// WriteJSON prints value as indented JSON.
func WriteJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
