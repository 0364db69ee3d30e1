package defrag

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// writePlan prints a plan as a table with a summary, or why there is none.
func writePlan(w io.Writer, a *dryrun.DefragAnswer) error {
	p := cli.NewPage(w)
	if len(a.Moves) > 0 {
		writeMoves(p, a.Moves)
		p.Printf("\n")
	}
	if a.Request != "" {
		writeRoom(p, a)
	} else {
		writeGain(p, a)
	}
	if len(a.Moves) == 0 {
		writeObstacles(p, a)
	}
	return p.Err()
}

func writeMoves(p *cli.Page, moves []dryrun.PodMove) {
	rows := [][]string{{"MOVE", "POD", "FROM", "TO", "LEAVES", "TAKES", "PRIORITY", "RUN TIME", "GPU-HOURS", "BUDGET", "CORDON"}}
	for i := range moves {
		m := &moves[i]
		budget := strings.Join(m.Budgets, ", ")
		if m.Awaits > 0 {
			budget += fmt.Sprintf(" (once move %d is ready)", m.Awaits)
		}
		cordon := ""
		if m.Cordon {
			cordon = m.From
		}
		rows = append(rows, []string{
			strconv.Itoa(i + 1), m.Namespace + "/" + m.Pod, m.From, m.To, strings.Join(m.Leaves, " "), strings.Join(m.Takes, " "),
			strconv.Itoa(int(m.Priority)), runTime(m.Seconds), gpuHours(m.GPUHours), cli.OrUnknown(budget), cli.OrUnknown(cordon),
		})
	}
	p.PrintTable(rows)
}

// runTime is a time in the unit that says most of it.
func runTime(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd", int(d.Hours())/24)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	}
	return fmt.Sprintf("%ds", seconds)
}

func gpuHours(hours float64) string {
	if hours > 0 && hours < 0.005 {
		return "<0.01"
	}
	return strconv.FormatFloat(hours, 'f', 2, 64)
}

func writeRoom(p *cli.Page, a *dryrun.DefragAnswer) {
	switch {
	case len(a.Moves) == 0 && a.FitBefore < a.Copies:
		text := fmt.Sprintf("no moves make room for %s: %d of %s fit, as things are", a.Request, a.FitBefore, cli.CountNoun(a.Copies, "pod"))
		if !a.Complete {
			text += "; not all moves could be looked at"
		}
		writeLines(p, text)
	case a.Copies == 0:
		writeLines(p, fmt.Sprintf("all pods of %s have a place: nothing has to be moved", a.Request))
	case len(a.Moves) == 0:
		writeLines(p, fmt.Sprintf("%s fits as things are%s: nothing has to be moved", a.Request, onNodes(a.Placed)))
	default:
		puts, makes := "puts", "makes"
		if len(a.Moves) > 1 {
			puts, makes = "put", "make"
		}
		text := fmt.Sprintf("%s, which %s %s GPU-hours of work at risk, %s room for %s%s",
			cli.CountNoun(len(a.Moves), "move"), puts, gpuHours(a.GPUHours), makes, a.Request, onNodes(a.Placed))
		if a.Copies > 1 {
			text += fmt.Sprintf(": %d of %d pods fit now, %d then", a.FitBefore, a.Copies, a.FitAfter)
		}
		if !a.Complete {
			text += "; not all moves could be looked at, so that there may be cheaper ones"
		}
		writeLines(p, text)
	}
}

// onNodes says where pods go.
func onNodes(nodes []string) string {
	distinct := slices.Clone(nodes)
	slices.Sort(distinct)
	distinct = slices.Compact(distinct)
	if len(distinct) == 0 {
		return ""
	}
	if more := len(distinct) - maxNamed; more > 0 {
		distinct = append(distinct[:maxNamed], fmt.Sprintf("%d more", more))
	}
	return " on " + strings.Join(distinct, ", ")
}

// maxNamed is how many pods or nodes are named.
const maxNamed = 4

func writeGain(p *cli.Page, a *dryrun.DefragAnswer) {
	if len(a.Placeable) > 0 {
		rows := [][]string{{"STILL FITS", "NOW", "AFTER"}}
		for _, c := range a.Placeable {
			rows = append(rows, []string{c.What, strconv.FormatInt(c.Before, 10), strconv.FormatInt(c.After, 10)})
		}
		p.PrintTable(rows)
		p.Printf("\n")
	}
	switch {
	case len(a.Moves) == 0 && len(a.Placeable) == 0 && len(a.Staying) > 0:
		writeLines(p, "no pod that holds a GPU may be moved")
	case len(a.Moves) == 0 && len(a.Placeable) == 0:
		writeLines(p, "no pod holds a GPU that Ashlar chose: there is nothing to move")
	case len(a.Moves) == 0:
		text := "no moves were found after which more fits"
		if !a.Complete {
			text += "; not all could be looked at"
		}
		writeLines(p, text)
	default:
		verb := map[bool]string{true: "puts", false: "put"}[len(a.Moves) == 1]
		writeLines(p, fmt.Sprintf("%s %s %s GPU-hours of work at risk", cli.CountNoun(len(a.Moves), "move"), verb, gpuHours(a.GPUHours)))
	}
}

// writeObstacles says what would help, and which pods stay.
func writeObstacles(p *cli.Page, a *dryrun.DefragAnswer) {
	if a.Request != "" && a.FitBefore == a.Copies {
		return
	}
	if len(a.Blocking) > 0 {
		var names []string
		for i := range a.Blocking {
			m := &a.Blocking[i]
			names = append(names, fmt.Sprintf("%s/%s (%s -> %s)", m.Namespace, m.Pod, m.From, m.To))
		}
		what := "it would be room enough"
		if a.Request == "" {
			what = "more would fit"
		}
		p.Printf("\n")
		writeLines(p, fmt.Sprintf("%s if these were moved, not all of which allow it by %s: %s",
			what, deviceapi.MovableAnnotation, strings.Join(names, ", ")))
	}
	for i, s := range a.Staying {
		if i == 0 {
			p.Printf("\n")
		}
		names := s.Pods
		if more := len(names) - maxNamed; more > 0 {
			names = append(slices.Clone(names[:maxNamed]), fmt.Sprintf("%d more", more))
		}
		writeLines(p, fmt.Sprintf("not moved: %s: %s", strings.Join(names, ", "), s.Reason))
	}
}

// writeLines writes text, wrapped.
func writeLines(p *cli.Page, text string) {
	for i, line := range cli.WrapText(text, cli.PageWidth-2) {
		if i > 0 {
			line = "  " + line
		}
		p.Printf("%s\n", line)
	}
}
