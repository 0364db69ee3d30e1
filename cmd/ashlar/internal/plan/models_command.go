package plan

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// modelReport is a model of the catalogue, as -o json and yaml print it.
type modelReport struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Parameters int64  `json:"parameters"`
	// WeightBytes is what one server keeps of the files, KVBytesPerToken what it keeps for each token
	// as the engine keeps it, both on all its GPUs together; a model without a cache has none.
	WeightBytes     int64  `json:"weightBytes"`
	Quantisation    string `json:"quantisation,omitempty"`
	Layers          int    `json:"layers"`
	KVBytesPerToken int64  `json:"kvBytesPerToken"`
	// Aliases are models of the same shape and format, by which it takes the same memory; Copies are those
	// of it with quantised weights.
	Aliases []string     `json:"aliases,omitempty"`
	Copies  []copyReport `json:"copies,omitempty"`
}

// copyReport is a copy of a model with quantised weights.
type copyReport struct {
	Name         string `json:"name"`
	Quantisation string `json:"quantisation"`
	WeightBytes  int64  `json:"weightBytes"`
}

// newModelsCommand is ashlar plan models.
func newModelsCommand() *cobra.Command {
	var output cli.OutputFlag
	command := &cobra.Command{
		Use:   "models [WORD...]",
		Short: "List the models that are known by name",
		Long: `Lists the models of the catalogue: parameters, weights, layers, and the KV cache of
one token as the engine keeps it. Words leave those that have all of them in their names,
whatever their case. Few models are listed with the others of the same shape, and with
their quantised copies. The publisher may be left out of a name.

A model that is not listed is planned for by its config.json: ashlar plan --config FILE,
or ashlar plan MODEL --hub.`,
		Example: `  ashlar plan models
  ashlar plan models llama 70b
  ashlar plan models qwen3 awq -o name`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, words []string) error {
			if err := output.CheckFormat(); err != nil {
				return err
			}
			return writeModels(cmd.OutOrStdout(), &output, words)
		},
	}
	output.AddTo(command, "table, json, yaml, name", cli.FormatTable, cli.FormatJSON, cli.FormatYAML, cli.FormatName)
	return command
}

// writeModels lists the models that have the words.
func writeModels(w io.Writer, output *cli.OutputFlag, words []string) error {
	found := model.ListModels(words...)
	if len(found) == 0 {
		text := fmt.Sprintf("no model of the catalogue has %q in its name", strings.Join(words, " "))
		if near := nearModels(strings.Join(words, "-")); len(near) > 0 {
			text += "; near it are " + strings.Join(near, ", ")
		}
		return cli.UsageErrorf("%s", text)
	}
	if output.Format == cli.FormatName {
		var names []string
		for _, one := range found {
			names = append(names, one.Name)
		}
		return cli.WriteNames(w, names)
	}
	reports := make([]*modelReport, 0, len(found))
	for _, one := range found {
		report, err := newModelReport(&one)
		if err != nil {
			return err
		}
		reports = append(reports, report)
	}
	value := struct {
		Models []*modelReport `json:"models"`
	}{reports}
	return output.Write(w, value, func(w io.Writer) error { return writeModelTable(w, reports) })
}

func newModelReport(one *model.CatalogueModel) (*modelReport, error) {
	m, err := model.Known(one.Name)
	if err != nil {
		return nil, err
	}
	report := &modelReport{Name: one.Name, Kind: m.Kind.String(), Parameters: m.Parameters(), WeightBytes: int64(m.Loaded()),
		Quantisation: m.Quantisation, Layers: len(m.Order), Aliases: one.Aliases}
	if server, err := memory.NewServer(m, memory.Launch{Engine: memoryplan.DefaultEngine(m)}); err == nil {
		report.KVBytesPerToken = int64(server.KVPerToken())
	}
	for _, other := range model.QuantisedCopies(m) {
		report.Copies = append(report.Copies, copyReport{Name: other.Name, Quantisation: other.Quantisation, WeightBytes: int64(other.Loaded())})
	}
	return report, nil
}
