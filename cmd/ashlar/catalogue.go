package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/topology/capture"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// catalogueFlags say what is known besides the catalogue of the program.
type catalogueFlags struct{ files []string }

func (f *catalogueFlags) add(command *cobra.Command) {
	command.Flags().StringArrayVar(&f.files, "machine-file", nil,
		"also use the machine, MIG table or GPU model in this `FILE`, as topology import writes it; repeat for more")
}

// load returns the catalogue with the given files. Naming a file twice is as good as
// once: shell completion parses all flags twice.
func (f *catalogueFlags) load() (*catalogue.Catalogue, error) {
	var extra []catalogue.File
	for i, name := range f.files {
		if slices.Contains(f.files[:i], name) {
			continue
		}
		text, err := readText(name)
		if err != nil {
			return nil, err
		}
		extra = append(extra, sections(name, text)...)
	}
	return catalogue.Default().With(extra...)
}

// readText reads a file of at most capture.MaxText bytes, and one byte more so
// that larger ones can be refused.
func readText(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, capture.MaxText+1))
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", name, err)
	}
	if len(content) > capture.MaxText {
		return "", fmt.Errorf("%s:1: more than %d bytes, keep one capture or machine in a file", name, capture.MaxText)
	}
	return string(content), nil
}

// sectionMark starts each file within the output of topology import, which holds
// several one after the other.
const sectionMark = "# file: "

// sections splits what topology import printed into the files it consists of.
// Each keeps its line numbers. Any other text is a file by itself.
func sections(name, text string) []catalogue.File {
	var files []catalogue.File
	var section strings.Builder
	number, filled := 0, false
	finish := func() {
		if filled {
			files = append(files, catalogue.File{Name: name, Text: section.String()})
		}
		section.Reset()
		section.WriteString(strings.Repeat("\n", number))
		filled = false
	}
	for raw := range strings.Lines(text) {
		if strings.HasPrefix(raw, sectionMark) {
			finish()
		}
		section.WriteString(raw)
		number++
		trimmed := strings.TrimSpace(raw)
		filled = filled || trimmed != "" && !strings.HasPrefix(trimmed, "#")
	}
	if filled || len(files) == 0 {
		files = append(files, catalogue.File{Name: name, Text: section.String()})
	}
	return files
}

// completeMachine completes MACHINE and MACHINE/MODEL.
func (f *catalogueFlags) completeMachine(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	c, err := f.load()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	if machine, _, found := strings.Cut(start, "/"); found {
		for _, model := range c.Models() {
			names = append(names, machine+"/"+model.Name)
		}
	} else {
		names = c.Machines()
	}
	return withPrefix(names, start), cobra.ShellCompDirectiveNoFileComp
}

// completeGPU completes the key of a model with MIG, or of a MIG table.
func (f *catalogueFlags) completeGPU(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	c, err := f.load()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := c.Tables()
	for _, model := range c.Models() {
		if model.MIG != "" && model.MIG != model.Name {
			names = append(names, model.Name)
		}
	}
	return withPrefix(names, start), cobra.ShellCompDirectiveNoFileComp
}

// withPrefix keeps the names that start with start, whatever the case.
func withPrefix(names []string, start string) []string {
	var kept []string
	for _, name := range names {
		if len(name) >= len(start) && strings.EqualFold(name[:len(start)], start) {
			kept = append(kept, name)
		}
	}
	return kept
}
