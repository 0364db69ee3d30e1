package doctor

import (
	"fmt"
	"io"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
)

// ClusterReport is what doctor prints: its JSON form is stable.
type ClusterReport struct {
	Broken     int           `json:"broken"`
	Warnings   int           `json:"warnings"`
	NotChecked int           `json:"notChecked"`
	Checks     []CheckResult `json:"checks"`
}

func (r *ClusterReport) countFindings() {
	for i := range r.Checks {
		if r.Checks[i].Status == NotChecked {
			r.NotChecked++
		}
		for _, f := range r.Checks[i].Findings {
			if f.Severity == Broken {
				r.Broken++
			} else {
				r.Warnings++
			}
		}
	}
}

// objectNames are the objects that something is wrong with, once each.
func (r *ClusterReport) objectNames() []string {
	var names []string
	seen := map[string]bool{}
	for i := range r.Checks {
		for _, f := range r.Checks[i].Findings {
			if !seen[f.Object] {
				names = append(names, f.Object)
			}
			seen[f.Object] = true
		}
	}
	return names
}

func (r *ClusterReport) summaryLine() string {
	text := "nothing is broken"
	switch {
	case r.Broken == 1:
		text = "1 thing is broken"
	case r.Broken > 1:
		text = fmt.Sprintf("%d things are broken", r.Broken)
	}
	if r.Warnings > 0 {
		text += ", " + cli.CountNoun(r.Warnings, "warning")
	}
	return text
}

// maxShown is how many findings of a check the table has.
const maxShown = 3

// writeText is one line a check, and under it what was found.
func (r *ClusterReport) writeText(w io.Writer, wide bool) error {
	p := cli.NewPage(w)
	for i := range r.Checks {
		c := &r.Checks[i]
		if len(c.Findings) == 0 {
			p.Printf("%-12s %-20s %s\n", c.Status, c.Check, c.Summary)
			continue
		}
		p.Printf("%-12s %-20s %s\n", c.Status, c.Check, cli.CountNoun(len(c.Findings), "finding"))
		for k := range c.Findings {
			if k == maxShown && !wide {
				p.Printf("    and %d more: -o wide has all\n", len(c.Findings)-maxShown)
				break
			}
			writeFinding(p, &c.Findings[k])
		}
	}
	p.Printf("\n%s", r.summaryLine())
	if r.NotChecked > 0 {
		p.Printf("; %s not made", cli.CountNoun(r.NotChecked, "check"))
	}
	p.Printf("\n")
	return p.Err()
}

func writeFinding(p *cli.Page, f *ClusterFinding) {
	const indent = "    "
	for i, line := range cli.WrapText(fmt.Sprintf("%s: %s: %s", f.Severity, f.Object, f.Cause), cli.PageWidth-6) {
		if i > 0 {
			line = "  " + line
		}
		p.Printf("%s%s\n", indent, line)
	}
	p.Printf("%s  -> %s\n", indent, f.Remedy) // not wrapped: it is for pasting
}
