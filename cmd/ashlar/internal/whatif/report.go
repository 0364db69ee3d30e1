package whatif

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// placementReport is what whatif prints.
type placementReport struct {
	Cluster struct {
		Nodes   int `json:"nodes"`
		Pods    int `json:"pods"`
		Waiting int `json:"waiting"`
	} `json:"cluster"`
	Drained []string                  `json:"drained,omitempty"`
	Answers []*dryrun.PlacementAnswer `json:"answers"`
	Notes   []string                  `json:"notes,omitempty"`
}

func newPlacementReport(cluster *dryrun.ClusterObjects, question *dryrun.PlacementQuestion) *placementReport {
	r := &placementReport{Drained: question.Drain}
	r.Cluster.Nodes, r.Cluster.Pods, r.Cluster.Waiting = len(cluster.Nodes), len(cluster.BoundPods()), len(cluster.WaitingPods())
	return r
}

// fitError is an error if pods do not fit.
func (r *placementReport) fitError() error {
	if a := r.Answers[0]; a.Fit < a.Asked {
		return cli.NothingFits{Message: summaryLine(a)}
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
	return fmt.Sprintf("%d of %s fit, %d would wait", a.Fit, cli.CountNoun(a.Asked, "pod"), a.Asked-a.Fit)
}

func (r *placementReport) writeText(w io.Writer) error {
	p := cli.NewPage(w)
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
		p.Printf("\n%s%s\n", summaryLine(a), openedText(a))
	}
	for _, note := range r.Notes {
		for i, line := range cli.WrapText("note: "+note, cli.PageWidth-2) {
			if i > 0 {
				line = "  " + line
			}
			p.Printf("%s\n", line)
		}
	}
	return p.Err()
}

// openedText says which GPUs would be used that nobody uses.
func openedText(a *dryrun.PlacementAnswer) string {
	if a.GPUsOpened == 0 {
		return ""
	}
	text := "; opens " + cli.CountNoun(a.GPUsOpened, "free GPU")
	if a.NodesOpened > 0 {
		text += fmt.Sprintf(" and %s", cli.CountNoun(a.NodesOpened, "idle node"))
	}
	return text
}

// writePolicies compares policies, one a line.
func (r *placementReport) writePolicies(p *cli.Page) {
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
	waiting := a.Asked - a.Fit
	for i, pod := range a.Pods {
		if pod.Node != "" {
			row(names[i], cli.OrUnknown(pod.From), pod.Node, cli.OrUnknown(pod.Product), cli.OrUnknown(pod.Got), cli.OrUnknown(pod.Connection))
		}
	}
	for i, pod := range a.Pods {
		switch {
		case pod.Node != "":
		case waiting > maxNamedPods: // they are named below
			others := fmt.Sprintf("%d others", waiting)
			if a.Fit == 0 {
				others = cli.CountNoun(waiting, "pod")
			}
			row(others, "", "(wait)")
			waiting = 0
		case waiting > 0:
			row(names[i], cli.OrUnknown(pod.From), "(waits)")
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
		p.Printf("\n%s %s:\n", strings.Join(who, ", "), verb)
		for _, line := range cli.WrapText(reason, cli.PageWidth-2) {
			p.Printf("  %s\n", line)
		}
	}
}

// silenceScheduler keeps the scheduler's libraries from logging: what matters of it is in
// the answer. The context that it returns carries the logger for those that take theirs
// from one. kube-scheduler's own plugins log to klog's global logger, some of them from
// the background, and so that one is set too, for the whole process.
func silenceScheduler(ctx context.Context) context.Context {
	discard := slog.New(slog.DiscardHandler)
	klog.SetSlogLogger(discard)
	return klog.NewContext(ctx, logr.FromSlogHandler(discard.Handler()))
}
