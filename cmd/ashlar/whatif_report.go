package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// whatifReport is what whatif prints.
type whatifReport struct {
	Cluster struct {
		Nodes   int `json:"nodes"`
		Pods    int `json:"pods"`
		Waiting int `json:"waiting"`
	} `json:"cluster"`
	Drained []string                  `json:"drained,omitempty"`
	Answers []*dryrun.PlacementAnswer `json:"answers"`
	Notes   []string                  `json:"notes,omitempty"`
}

func newWhatifReport(cluster *dryrun.ClusterObjects, question *dryrun.PlacementQuestion) *whatifReport {
	r := &whatifReport{Drained: question.Drain}
	r.Cluster.Nodes, r.Cluster.Pods, r.Cluster.Waiting = len(cluster.Nodes), len(cluster.BoundPods()), len(cluster.WaitingPods())
	return r
}

func (r *whatifReport) print(w io.Writer, format string) error {
	if format == formatTable {
		return r.writeText(w)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

// verdict is an error if pods do not fit.
func (r *whatifReport) verdict() error {
	if a := r.Answers[0]; a.Fit < a.Asked {
		return nothingFits{summary(a)}
	}
	return nil
}

// summary is the answer in one line.
func summary(a *dryrun.PlacementAnswer) string {
	if a.Fit == 1 && a.Asked == 1 {
		return "the pod fits"
	}
	if a.Fit == a.Asked {
		return fmt.Sprintf("all %s fit", plural(a.Asked, "pod"))
	}
	if a.Fit == 0 && a.Asked == 1 {
		return "the pod does not fit"
	}
	return fmt.Sprintf("%d of %s fit, %d would wait", a.Fit, plural(a.Asked, "pod"), a.Asked-a.Fit)
}

func (r *whatifReport) writeText(w io.Writer) error {
	p := &page{w: w}
	if len(r.Answers) > 1 {
		r.writePolicies(p)
		p.printf("\n%s:\n", r.Answers[0].Policy)
	}
	a := r.Answers[0]
	if a.Asked == 0 {
		p.printf("no pods to find places for\n")
	} else {
		writePods(p, a)
		writeWaiting(p, a)
		p.printf("\n%s%s\n", summary(a), opened(a))
	}
	for _, note := range r.Notes {
		for i, line := range filled("note: "+note, pageWidth-2) {
			if i > 0 {
				line = "  " + line
			}
			p.printf("%s\n", line)
		}
	}
	return p.err
}

// opened says which GPUs would be used that nobody uses.
func opened(a *dryrun.PlacementAnswer) string {
	if a.GPUsOpened == 0 {
		return ""
	}
	text := "; opens " + plural(a.GPUsOpened, "free GPU")
	if a.NodesOpened > 0 {
		text += fmt.Sprintf(" and %s", plural(a.NodesOpened, "idle node"))
	}
	return text
}

// writePolicies compares policies, one a line.
func (r *whatifReport) writePolicies(p *page) {
	rows := [][]string{{"POLICY", "FIT", "GPUS OPENED", "NODES OPENED", "RING, MEAN", "RING, LEAST"}}
	rate := func(gbps int64) string {
		if gbps == 0 {
			return unknown
		}
		return fmt.Sprintf("%d GB/s", gbps)
	}
	for _, a := range r.Answers {
		rows = append(rows, []string{a.Policy, fmt.Sprintf("%d of %d", a.Fit, a.Asked), strconv.Itoa(a.GPUsOpened), strconv.Itoa(a.NodesOpened), rate(a.MeanGBps), rate(a.LeastGBps)})
	}
	p.table(rows)
}

// writePods lists who would get what.
func writePods(p *page, a *dryrun.PlacementAnswer) {
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
	waiting := a.Asked - a.Fit
	for i, pod := range a.Pods {
		if pod.Node != "" {
			row(names[i], orUnknown(pod.From), pod.Node, orUnknown(pod.Product), orUnknown(pod.Got), orUnknown(pod.Connection))
		}
	}
	for i, pod := range a.Pods {
		switch {
		case pod.Node != "":
		case waiting > maxNamedPods: // they are named below
			others := fmt.Sprintf("%d others", waiting)
			if a.Fit == 0 {
				others = plural(waiting, "pod")
			}
			row(others, "", "(wait)")
			waiting = 0
		case waiting > 0:
			row(names[i], orUnknown(pod.From), "(waits)")
		}
	}
	p.table(rows)
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
func writeWaiting(p *page, a *dryrun.PlacementAnswer) {
	names := podNames(a)
	byReason := map[string][]string{}
	var reasons []string
	for i, pod := range a.Pods {
		if pod.Node != "" {
			continue
		}
		if byReason[pod.Reason] == nil {
			reasons = append(reasons, pod.Reason)
		}
		byReason[pod.Reason] = append(byReason[pod.Reason], names[i])
	}
	for _, reason := range reasons {
		who, many := byReason[reason], len(byReason[reason])
		verb := map[bool]string{true: "waits", false: "wait"}[many == 1]
		if more := many - maxNamedPods; more > 0 {
			who = append(slices.Clone(who[:maxNamedPods]), fmt.Sprintf("and %d more", more))
		}
		p.printf("\n%s %s:\n", strings.Join(who, ", "), verb)
		for _, line := range filled(reason, pageWidth-2) {
			p.printf("  %s\n", line)
		}
	}
}

// filled breaks text at spaces into lines of at most so many bytes.
func filled(text string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		if last := len(lines) - 1; last >= 0 && len(lines[last])+1+len(word) <= width {
			lines[last] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}

// quietLogs keeps the scheduler's libraries from logging: what matters of it is in the
// answer.
func quietLogs() {
	klog.SetSlogLogger(slog.New(slog.DiscardHandler))
}
