package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// outputFlag is -o, how a command prints what it found.
type outputFlag struct{ format string }

const (
	formatText = "text"
	formatJSON = "json"
)

func (o *outputFlag) add(command *cobra.Command) {
	command.Flags().StringVarP(&o.format, "output", "o", formatText, "output format: text or json")
	completeFlag(command, "output", func() []string { return []string{formatText, formatJSON} })
}

func (o *outputFlag) check() error {
	if o.format != formatText && o.format != formatJSON {
		return usagef("--output %q: want %s or %s", o.format, formatText, formatJSON)
	}
	return nil
}

// write prints value as JSON, or calls text.
func (o *outputFlag) write(w io.Writer, value any, text func(io.Writer) error) error {
	if o.format == formatText {
		return text(w)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// completeFlag makes the shell complete a flag's value from a list of names.
func completeFlag(command *cobra.Command, flag string, names func() []string) {
	err := command.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names(), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(fmt.Sprintf("completion of --%s: %v", flag, err)) // the flag is not defined
	}
}

// page collects text and keeps the first error of writing it.
type page struct {
	w   io.Writer
	err error
}

func (p *page) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// table prints rows whose cells line up, two spaces apart.
func (p *page) table(rows [][]string) {
	if p.err != nil {
		return
	}
	var text strings.Builder
	aligned := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, p.err = fmt.Fprintln(aligned, strings.Join(row, "\t")); p.err != nil {
			return
		}
	}
	if p.err = aligned.Flush(); p.err != nil {
		return
	}
	for line := range strings.Lines(text.String()) {
		p.printf("%s\n", strings.TrimRight(line, " \n"))
	}
}

// unknown stands for what the catalogue does not know.
const unknown = "-"

func orUnknown(text string) string {
	if text == "" {
		return unknown
	}
	return text
}

// ranges prints sorted numbers, three and more in a row compactly: "0-3,6,7".
func ranges(numbers []int) string {
	var words []string
	for i := 0; i < len(numbers); {
		end := i
		for end+1 < len(numbers) && numbers[end+1] == numbers[end]+1 {
			end++
		}
		word := strconv.Itoa(numbers[i])
		if end > i+1 {
			word += "-" + strconv.Itoa(numbers[end])
		} else {
			end = i
		}
		words = append(words, word)
		i = end + 1
	}
	return orUnknown(strings.Join(words, ","))
}
