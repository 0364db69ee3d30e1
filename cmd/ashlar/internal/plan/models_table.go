package plan

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology"
)

// fewModels are so few that the others of their shape and copies are listed too.
const fewModels = 5

// writeModelTable prints a row for each model, and of few models the others of their shape and copies.
func writeModelTable(w io.Writer, reports []*modelReport) error {
	p := cli.NewPage(w)
	rows := [][]string{{"MODEL", "KIND", "PARAMETERS", "WEIGHTS", "QUANTISED", "LAYERS", "KV/TOKEN", "ALIKE", "COPIES"}}
	for _, report := range reports {
		rows = append(rows, report.tableRow())
	}
	p.PrintTable(rows)
	if len(reports) <= fewModels {
		for _, report := range reports {
			report.writeNames(p)
		}
	}
	return p.Err()
}

func (r *modelReport) tableRow() []string {
	stored, cache := cli.Unknown, cli.Unknown
	if r.Quantisation != "" {
		stored = r.Quantisation
	}
	if r.KVBytesPerToken > 0 {
		cache = topology.Bytes(r.KVBytesPerToken).String()
	}
	return []string{r.Name, r.Kind, parameterCount(r.Parameters), topology.Bytes(r.WeightBytes).String(), stored, strconv.Itoa(r.Layers),
		cache, countText(len(r.Aliases)), countText(len(r.Copies))}
}

// countText is a number, or what stands for none.
func countText(n int) string {
	if n == 0 {
		return cli.Unknown
	}
	return strconv.Itoa(n)
}

// writeNames lists the models alike and the quantised copies of a model.
func (r *modelReport) writeNames(p *cli.Page) {
	if len(r.Aliases)+len(r.Copies) == 0 {
		return
	}
	p.Printf("\n%s\n", r.Name)
	if len(r.Aliases) > 0 {
		p.Printf("  alike: %s\n", strings.Join(r.Aliases, ", "))
	}
	for _, other := range r.Copies {
		p.Printf("  %s\n", fmt.Sprintf("copy: %s (%s, %s of weights)", other.Name, other.Quantisation, topology.Bytes(other.WeightBytes)))
	}
}
