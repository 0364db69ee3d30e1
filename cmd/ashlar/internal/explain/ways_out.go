package explain

import (
	"cmp"
	"fmt"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
)

// changeWidth and costWidth are how wide the columns of changes and of costs are.
const (
	changeWidth = 44
	costWidth   = 40
)

// writeWaysOut lists what would let the pod's model server start.
func (r *PodReport) writeWaysOut(p *cli.Page) {
	if len(r.WaysOut) == 0 {
		return
	}
	p.Printf("\nways out, each enough by itself:\n")
	rows := [][]string{{"  ASK FOR", "ON NODE", "CHANGE", "COSTS"}}
	for _, way := range r.WaysOut {
		changes := cli.WrapText(cli.PlainText(cmp.Or(way.Change, "nothing else")), changeWidth)
		costs := cli.WrapText(cli.PlainText(cmp.Or(way.Cost, "nothing")), costWidth)
		for i := range max(len(changes), len(costs)) {
			row := []string{"", "", "", ""}
			if i == 0 {
				row[0], row[1] = fmt.Sprintf("  %s: %d", cli.PlainText(way.Request), way.Count), cli.PlainText(way.Node)
			}
			if i < len(changes) {
				row[2] = changes[i]
			}
			if i < len(costs) {
				row[3] = costs[i]
			}
			rows = append(rows, row)
		}
	}
	p.PrintTable(rows)
}
