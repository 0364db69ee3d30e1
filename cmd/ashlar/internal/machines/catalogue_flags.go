package machines

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology/capture"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// CatalogueFlags say what is known besides the catalogue of the program.
type CatalogueFlags struct{ files []string }

// AddTo defines the flags for a command.
func (f *CatalogueFlags) AddTo(command *cobra.Command) {
	command.Flags().StringArrayVar(&f.files, "machine-file", nil,
		"also use the machine, MIG table or GPU model in this `FILE`, as topology import writes it; repeat for more")
}

// LoadCatalogue returns the catalogue with the given files. Naming a file twice is as good as
// once: shell completion parses all flags twice.
func (f *CatalogueFlags) LoadCatalogue() (*catalogue.Catalogue, error) {
	var extra []catalogue.File
	for i, name := range f.files {
		if slices.Contains(f.files[:i], name) {
			continue
		}
		text, err := readText(name)
		if err != nil {
			return nil, err
		}
		extra = append(extra, splitSections(name, text)...)
	}
	c, err := catalogue.Default().With(extra...)
	return c, cli.MistakenInput(err)
}

// readText reads a file of at most capture.MaxText bytes.
func readText(name string) (string, error) {
	content, err := cli.ReadBounded(name, capture.MaxText)
	if err != nil {
		return "", err
	}
	if len(content) > capture.MaxText {
		return "", cli.UsageErrorf("%s:1: more than %d bytes, keep one capture or machine in a file", name, capture.MaxText)
	}
	return string(content), nil
}

// sectionMark starts each file within the output of topology import, which holds
// several one after the other.
const sectionMark = "# file: "

// splitSections splits what topology import printed into the files it consists of.
// Each keeps its line numbers. Any other text is a file by itself.
func splitSections(name, text string) []catalogue.File {
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
func (f *CatalogueFlags) completeMachine(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	c, err := f.LoadCatalogue()
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
	return cli.WithPrefix(names, start), cobra.ShellCompDirectiveNoFileComp
}

// completeGPU completes the key of a model with MIG, or of a MIG table.
func (f *CatalogueFlags) completeGPU(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	c, err := f.LoadCatalogue()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := c.Tables()
	for _, model := range c.Models() {
		if model.MIG != "" && model.MIG != model.Name {
			names = append(names, model.Name)
		}
	}
	return cli.WithPrefix(names, start), cobra.ShellCompDirectiveNoFileComp
}
