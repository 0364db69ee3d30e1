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

// Formats of -o. Those that a command has mean the same everywhere.
const (
	// FormatTable is text to read: columns where there are any.
	FormatTable = "table"
	// FormatWide is the table with more columns.
	FormatWide = "wide"
	// FormatJSON and FormatYAML are a value whose form is stable.
	FormatJSON = "json"
	FormatYAML = "yaml"
	// FormatName is names alone, one a line.
	FormatName = "name"
	// FormatCSV is every run of a simulation, one a line.
	FormatCSV = "csv"
	// FormatText is what FormatTable was called where the text has no columns; it is still taken.
	FormatText = "text"
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
	command.Flags().Lookup("output").Annotations = map[string][]string{formatsAnnotation: formats}
	CompleteFlag(command, "output", func() []string { return formats })
}

// CheckFormat refuses a format that the command does not know.
func (o *OutputFlag) CheckFormat() error {
	if o.Format == FormatText && slices.Contains(o.formats, FormatTable) {
		o.Format = FormatTable
	}
	switch {
	case slices.Contains(o.formats, o.Format):
		return nil
	case len(o.formats) == 2:
		return UsageErrorf("--output %q: want %s or %s", o.Format, o.formats[0], o.formats[1])
	}
	return UsageErrorf("--output %q: want one of %s", o.Format, strings.Join(o.formats, ", "))
}

// IsWide reports whether the table is to have its further columns.
func (o *OutputFlag) IsWide() bool { return o.Format == FormatWide }

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

// WriteNames prints names, one a line, for FormatName. Those of objects are kind/name, as kubectl
// has them.
func WriteNames(w io.Writer, names []string) error {
	for _, name := range names {
		if _, err := fmt.Fprintln(w, name); err != nil {
			return err
		}
	}
	return nil
}

// formatsAnnotation is the annotation of a command's flag with the formats that it takes.
const formatsAnnotation = "ashlar.dev/formats"

// FormatsOf are the formats of a command's -o, the first of them the default; nil for a command without.
func FormatsOf(command *cobra.Command) []string {
	if flag := command.Flags().Lookup("output"); flag != nil {
		return flag.Annotations[formatsAnnotation]
	}
	return nil
}
