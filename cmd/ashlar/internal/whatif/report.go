package whatif

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// PlacementReport is what whatif prints.
type PlacementReport struct {
	Cluster struct {
		Nodes   int `json:"nodes"`
		Pods    int `json:"pods"`
		Waiting int `json:"waiting"`
	} `json:"cluster"`
	Drained []string `json:"drained,omitempty"`
	// Additions are those of --add, the best first: the answers are those with the first.
	Additions []*nodeAddition           `json:"additions,omitempty"`
	Answers   []*dryrun.PlacementAnswer `json:"answers"`
	// Errors are objects of the manifests that could not be read, with file and line.
	Errors []string `json:"errors,omitempty"`
	Notes  []string `json:"notes,omitempty"`
}

func newPlacementReport(cluster *dryrun.ClusterObjects, question *dryrun.PlacementQuestion) *PlacementReport {
	r := &PlacementReport{Drained: question.Drain}
	for _, err := range question.Manifest.Errors {
		r.Errors = append(r.Errors, err.Error())
	}
	r.Cluster.Nodes, r.Cluster.Pods, r.Cluster.Waiting = len(cluster.Nodes), len(cluster.BoundPods()), len(cluster.WaitingPods())
	return r
}

// fitError is an error if pods do not fit.
func (r *PlacementReport) fitError() error {
	a := r.Answers[0]
	switch {
	case a.Fit < a.Asked:
		return cli.NothingFits{Message: summaryLine(a)}
	case len(r.Errors) == 1:
		return cli.NothingFits{Message: "a part of the manifests could not be read"}
	case len(r.Errors) > 1:
		return cli.NothingFits{Message: fmt.Sprintf("%d parts of the manifests could not be read", len(r.Errors))}
	}
	return nil
}

// summaryLine is the answer in one line.
func summaryLine(a *dryrun.PlacementAnswer) string {
	if a.Fit == 1 && a.Asked == 1 {
		return "the pod fits"
	}
	if a.Fit == a.Asked {
		return fmt.Sprintf("all %s fit", cli.CountNoun(a.Asked, "pod"))
	}
	if a.Fit == 0 && a.Asked == 1 {
		return "the pod does not fit"
	}
	text := fmt.Sprintf("%d of %s fit", a.Fit, cli.CountNoun(a.Asked, "pod"))
	if waiting := a.Asked - a.Fit - a.Rejected; waiting > 0 {
		text += fmt.Sprintf(", %d would wait", waiting)
	}
	if a.Rejected > 0 {
		text += fmt.Sprintf(", %d would be refused", a.Rejected)
	}
	return text
}

func (r *PlacementReport) writeText(w io.Writer) error {
	p := cli.NewPage(w)
	r.writeAdditions(p)
	if len(r.Answers) > 1 {
		r.writePolicies(p)
		p.Printf("\n%s:\n", r.Answers[0].Policy)
	}
	a := r.Answers[0]
	if a.Asked == 0 {
		p.Printf("no pods to find places for\n")
	} else {
		writePods(p, a)
		writeWaiting(p, a)
		p.Printf("\n%s%s\n", summaryLine(a), openedText(a.GPUsOpened, a.NodesOpened))
	}
	for i := range a.Scaling {
		writeScaling(p, &a.Scaling[i])
	}
	for _, problem := range r.Errors {
		writeRemark(p, "error: "+problem)
	}
	for _, note := range r.Notes {
		writeRemark(p, "note: "+note)
	}
	return p.Err()
}

// writeRemark writes a line of text, wrapped.
func writeRemark(p *cli.Page, text string) {
	for i, line := range cli.WrapText(text, cli.PageWidth-2) {
		if i > 0 {
			line = "  " + line
		}
		p.Printf("%s\n", line)
	}
}

// openedText says which GPUs would be used that nobody uses.
func openedText(gpus, nodes int) string {
	if gpus == 0 {
		return ""
	}
	text := "; opens " + cli.CountNoun(gpus, "free GPU")
	if nodes > 0 {
		text += fmt.Sprintf(" and %s", cli.CountNoun(nodes, "idle node"))
	}
	return text
}

// writePolicies compares policies, one a line.
func (r *PlacementReport) writePolicies(p *cli.Page) {
	rows := [][]string{{"POLICY", "FIT", "GPUS OPENED", "NODES OPENED", "RING, MEAN", "RING, LEAST"}}
	rate := func(gbps int64) string {
		if gbps == 0 {
			return cli.Unknown
		}
		return fmt.Sprintf("%d GB/s", gbps)
	}
	for _, a := range r.Answers {
		rows = append(rows, []string{
			a.Policy, fmt.Sprintf("%d of %d", a.Fit, a.Asked), strconv.Itoa(a.GPUsOpened), strconv.Itoa(a.NodesOpened),
			rate(a.MeanGBps), rate(a.LeastGBps),
		})
	}
	p.PrintTable(rows)
}

// writePods lists who would get what.
func writePods(p *cli.Page, a *dryrun.PlacementAnswer) {
	columns := []string{"POD", "NODE", "PRODUCT", "GPUS, SLICE OR SHARE", "SLOWEST LINK, RING"}
	moved := slices.ContainsFunc(a.Pods, func(pod *dryrun.PodPlacement) bool { return pod.From != "" })
	if moved {
		columns = slices.Insert(columns, 1, "FROM")
	}
	names := podNames(a)
	rows := [][]string{columns}
	row := func(cells ...string) {
		if !moved {
			cells = slices.Delete(cells, 1, 2)
		}
		rows = append(rows, cells)
	}
	for i, pod := range a.Pods {
		if pod.Node != "" {
			row(names[i], cli.OrUnknown(pod.From), pod.Node, cli.OrUnknown(pod.Product), cli.OrUnknown(pod.Got), cli.OrUnknown(pod.Connection))
		}
	}
	for _, rejected := range []bool{false, true} {
		one, many, without := "(waits)", "(wait)", a.Asked-a.Fit-a.Rejected
		if rejected {
			one, many, without = "(refused)", "(refused)", a.Rejected
		}
		if without > maxNamedPods { // they are named below
			others := fmt.Sprintf("%d others", without)
			if a.Fit == 0 && without == a.Asked {
				others = cli.CountNoun(without, "pod")
			}
			row(others, "", many)
			continue
		}
		for i, pod := range a.Pods {
			if pod.Node == "" && pod.Rejected == rejected {
				row(names[i], cli.OrUnknown(pod.From), one)
			}
		}
	}
	p.PrintTable(rows)
}

// podNames are short where all pods are in one namespace.
func podNames(a *dryrun.PlacementAnswer) []string {
	several := slices.ContainsFunc(a.Pods, func(pod *dryrun.PodPlacement) bool { return pod.Namespace != a.Pods[0].Namespace })
	var names []string
	for _, pod := range a.Pods {
		if several {
			names = append(names, pod.Namespace+"/"+pod.Name)
		} else {
			names = append(names, pod.Name)
		}
	}
	return names
}

// maxNamedPods is how many pods that wait for one reason are named.
const maxNamedPods = 4

// writeWaiting says why pods wait, once for each reason.
func writeWaiting(p *cli.Page, a *dryrun.PlacementAnswer) {
	names := podNames(a)
	byReason, rejected := map[string][]string{}, map[string]bool{}
	var reasons []string
	for i, pod := range a.Pods {
		if pod.Node != "" {
			continue
		}
		if byReason[pod.Reason] == nil {
			reasons = append(reasons, pod.Reason)
		}
		byReason[pod.Reason], rejected[pod.Reason] = append(byReason[pod.Reason], names[i]), pod.Rejected
	}
	for _, reason := range reasons {
		who, many := byReason[reason], len(byReason[reason])
		verb := map[bool]string{true: "waits", false: "wait"}[many == 1]
		if rejected[reason] {
			verb = map[bool]string{true: "is refused", false: "are refused"}[many == 1]
		}
		if more := many - maxNamedPods; more > 0 {
			who = append(slices.Clone(who[:maxNamedPods]), fmt.Sprintf("and %d more", more))
		}
		p.Printf("\n%s %s:\n", strings.Join(who, ", "), verb)
		for _, line := range cli.WrapText(reason, cli.PageWidth-2) {
			p.Printf("  %s\n", line)
		}
	}
}

// writeScaling says how far a workload could be scaled.
func writeScaling(p *cli.Page, a *dryrun.ScaleAnswer) {
	text := a.Autoscaler + " scales"
	if a.Target != "" {
		text += " " + a.Target
	}
	text += fmt.Sprintf(" from %d to %d", a.Min, a.Max)
	next, last := a.Fit+1, a.Max
	switch {
	case a.Untried:
		text += fmt.Sprintf(": the first %d fit, more were not tried", a.Fit)
	case a.Fit >= a.Max:
		text += fmt.Sprintf(": all %d fit", a.Fit)
	default:
		verb := map[bool]string{true: "be refused", false: "wait"}[a.Rejected]
		which := fmt.Sprintf("replicas %d to %d", next, last)
		if next == last {
			which = fmt.Sprintf("replica %d", last)
		}
		fit := map[bool]string{true: "none fits", false: fmt.Sprintf("%d fit", a.Fit)}[a.Fit == 0]
		if a.Fit == 1 {
			fit = "1 fits"
		}
		text += fmt.Sprintf(": %s; %s would %s", fit, which, verb)
	}
	if more := a.Fit - a.Asked; more > 0 {
		text += strings.Replace(openedText(a.GPUsOpened, a.NodesOpened), "opens", fmt.Sprintf("%d more than at first %s", more,
			map[bool]string{true: "opens", false: "open"}[more == 1]), 1)
	}
	p.Printf("\n")
	writeRemark(p, text)
	if a.Fit >= a.Asked && a.Reason != "" { // or else it is said above
		for _, line := range cli.WrapText(a.Reason, cli.PageWidth-2) {
			p.Printf("  %s\n", line)
		}
	}
}
