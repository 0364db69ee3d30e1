package explain

import (
	"fmt"
	"io"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology"
)

func (r *PodReport) writeText(w io.Writer) error {
	p := cli.NewPage(w)
	name := cli.PlainText(r.Namespace + "/" + r.Name)
	switch r.State {
	case stateEnded:
		p.Printf("%s has ended (%s): it holds nothing and waits for nothing\n", name, cli.PlainText(r.Phase))
		return p.Err()
	case stateLeaving:
		p.Printf("%s is being deleted: no scheduler looks for a place for it\n", name)
		return p.Err()
	case statePlaced:
		r.writePlaced(p, name)
	default:
		r.writeWaiting(p, name)
	}
	r.writeWaysOut(p)
	r.writeRefused(p)
	for _, doubt := range r.Doubts {
		writeLines(p, "", "doubt: "+doubt)
	}
	for _, note := range r.Notes {
		writeLines(p, "", "note: "+note)
	}
	return p.Err()
}

func writeLines(p *cli.Page, indent, text string) {
	for i, line := range cli.WrapText(cli.PlainText(text), cli.PageWidth-2-len(indent)) {
		if i > 0 && indent == "" {
			line = "  " + line
		}
		p.Printf("%s%s\n", indent, line)
	}
}

func (r *PodReport) writeWaiting(p *cli.Page, name string) {
	if r.Today.Node != "" {
		writeLines(p, "", fmt.Sprintf("%s waits, and would get %s on node %s now", name, describeGot(r), r.Today.Node))
		if r.Said != "" {
			writeLines(p, "", "its scheduler said last:")
			writeLines(p, "  ", r.Said)
		}
	} else {
		p.Printf("%s waits:\n", name)
		writeLines(p, "  ", r.Today.Reason)
	}
	if len(r.Companions) > 0 {
		placed := 0
		for _, companion := range r.Companions {
			if companion.Node != "" {
				placed++
			}
		}
		writeLines(
			p,
			"",
			fmt.Sprintf("%s of its PodGroup waits with it; a place for %d of them", cli.CountNoun(len(r.Companions), "further pod"), placed),
		)
	}
}

// describeGot is what the pod would get today.
func describeGot(r *PodReport) string {
	if r.Today.Got == "" {
		return "a place"
	}
	if r.Today.Product == "" {
		return r.Today.Got
	}
	return r.Today.Got + " of " + r.Today.Product
}

func (r *PodReport) writePlaced(p *cli.Page, name string) {
	p.Printf("%s is on node %s\n", name, cli.PlainText(r.Node))
	if len(r.Holds) == 0 {
		p.Printf("it holds no GPU that is known\n")
	} else {
		r.writeHolds(p)
	}
	p.Printf("\n")
	switch today := r.Today; {
	case today.Node == "":
		writeLines(p, "", "made anew today, it would wait:")
		writeLines(p, "  ", today.Reason)
	case today.Node == r.Node:
		writeLines(p, "", "made anew today, it would get "+describeGot(r)+" on the same node"+connectionText(today.Connection))
	default:
		writeLines(p, "", "made anew today, it would get "+describeGot(r)+" on node "+today.Node+connectionText(today.Connection))
	}
	if more := len(r.Feasible); more > 1 {
		writeLines(p, "", fmt.Sprintf("%d nodes would take it", more))
	}
}

func connectionText(connection string) string {
	if connection == "" {
		return ""
	}
	return ", " + connection
}

func (r *PodReport) writeHolds(p *cli.Page) {
	rows := [][]string{{"GPU", "MODEL", "HOLDS", "MEMORY", "NUMA", "ISLAND", "LEFT OF THE GPU"}}
	number := func(n int64) string {
		if n < 0 {
			return cli.Unknown
		}
		return fmt.Sprint(n)
	}
	for i := range r.Holds {
		held := &r.Holds[i]
		what, left := held.Holder.Form, cli.Unknown
		if held.Holder.Profile != "" {
			what = held.Holder.Profile
		}
		if held.FreeMemory > 0 {
			left = topology.Bytes(held.FreeMemory).String()
			if held.LargestSlice != "" {
				left += ", largest slice " + cli.PlainText(held.LargestSlice)
			}
		}
		if !held.Healthy {
			left += " (unhealthy)"
		}
		rows = append(rows, []string{
			fmt.Sprint(held.Index), cli.PlainText(strings.TrimPrefix(held.Product, "NVIDIA ")), cli.PlainText(what),
			topology.Bytes(held.Holder.Bytes).String(), number(held.NUMA), number(held.Island), left,
		})
	}
	p.PrintTable(rows)
	if len(r.Links) > 0 {
		var words []string
		for _, link := range r.Links {
			words = append(words, fmt.Sprintf("%d-%d %s", link.From, link.To, cli.PlainText(link.Link)))
		}
		for i, line := range cli.WrapList(words, cli.PageWidth-9) {
			p.Printf("%s%s\n", map[bool]string{true: "links: ", false: "       "}[i == 0], line)
		}
	}
}

// namedNodes is how many nodes of a group are named.
const namedNodes = 4

func (r *PodReport) writeRefused(p *cli.Page) {
	if len(r.Refused) == 0 {
		return
	}
	p.Printf("\nnodes that do not take it:\n")
	for _, group := range r.Refused {
		names := group.Nodes
		text := strings.Join(names[:min(len(names), namedNodes)], ", ")
		if more := len(names) - namedNodes; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		if group.Model != "" {
			text += " (" + strings.TrimPrefix(group.Model, "NVIDIA ") + ")"
		}
		writeLines(p, "  ", text+": "+group.Reason)
	}
}
