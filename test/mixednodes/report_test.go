package mixednodes

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// shownAtMost bounds how many violations are printed of each kind.
const shownAtMost = 12

// tally counts what the stream was about.
type tally struct {
	bound map[string]bool // pods that ever were
	// requests, nodes and forms count bound pods by how they asked and where they went.
	requests, nodes, forms map[string]int
	servers, ended         int
	kept                   int // hopeless pods that were not bound
}

func newTally() *tally {
	return &tally{bound: map[string]bool{}, requests: map[string]int{}, nodes: map[string]int{}, forms: map[string]int{}}
}

func (y *tally) note(c *checker, next change) {
	pod := next.pod
	if pod == nil {
		return
	}
	if next.gone && !y.bound[pod.name] && pod.hopeless != "" {
		y.kept++
	}
	if pod.over && !next.gone {
		y.ended++
	}
	if pod.node == "" || y.bound[pod.name] || c.facts[pod.node] == nil {
		return
	}
	y.bound[pod.name] = true
	y.requests[pod.request]++
	if pod.server != nil || pod.stated > 0 {
		y.servers++
	}
	if pod.request == "no GPU" {
		return
	}
	n, through := c.facts[pod.node], "claims"
	for name := range pod.asks {
		if n.resource(name) != nil {
			through = "the device plugin"
			y.forms[n.plugin.form]++
		}
	}
	kind := n.kind
	if n.second != "" {
		kind += " and " + n.second
	}
	y.nodes[kind+", "+through]++
	if through == "claims" && n.has(nvidiaKind) {
		y.forms[n.form]++
	}
}

// missing is what no pod was bound by, or to.
func (y *tally) missing(fleet []*fleetNode) []string {
	var missing []string
	need := func(count int, what string) {
		if count == 0 && !slices.Contains(missing, what) {
			missing = append(missing, what)
		}
	}
	for _, n := range fleet {
		if n.plugin != nil {
			need(y.forms[n.plugin.form], "pods that a device plugin serves, "+n.plugin.form)
		}
		if n.form != "" {
			need(y.forms[n.form], "pods with claims of NVIDIA's driver, "+n.form)
		}
	}
	for _, node := range []string{
		"ashlar, claims", "nvidia, claims", "plugin, the device plugin", "ashlar and nvidia, claims", "nvidia and plugin, claims",
		"nvidia and plugin, the device plugin", "plugin and ashlar, claims", "plugin and ashlar, the device plugin",
	} {
		need(y.nodes[node], "pods on nodes of "+node)
	}
	need(y.servers, "model servers that were bound")
	need(y.kept, "pods that contradict themselves")
	return missing
}

// report logs what happened, and fails the test with what must not.
func (w *world) report(t *testing.T, arrivals []*arrival, c *checker, y *tally) {
	t.Helper()
	waited := map[string]string{}
	for name, message := range w.history.waited {
		if !y.bound[name] {
			waited[name] = message
		}
	}
	t.Logf("%d pods arrived on %d nodes, seed %d: %d were bound (%d with a model server, %d ended by themselves), %d were not; %.0f s",
		len(arrivals), len(w.facts), *seed, len(y.bound), y.servers, y.ended, len(waited), time.Since(w.begin).Seconds())
	t.Logf("bound by request:\n%s", lines(y.requests))
	t.Logf("bound by node:\n%s", lines(y.nodes))
	t.Logf("bound by how the GPUs are offered:\n%s", lines(y.forms))
	t.Logf("why pods were not bound, clause by clause:\n%s", lines(clauses(waited)))
	t.Logf("looked at %d changes and %d snapshots of the cluster; %d model servers are on GPUs of which their nodes tell nothing\n%s",
		len(w.history.changes), w.snapshots, c.unchecked, lines(c.checks))
	counts := map[string]int{}
	for _, what := range []string{countsWrong, slicesWrong, offeredTwice, memoryWrong, serverMisled, claimsMissing} {
		counts[what] = 0
	}
	for _, v := range slices.SortedFunc(maps.Keys(w.problems), func(a, b violation) int { return cmp.Compare(a.String(), b.String()) }) {
		if counts[v.what]++; counts[v.what] <= shownAtMost {
			t.Errorf("%s", v)
		}
	}
	t.Logf("violations:\n%s", lines(counts))
}

var (
	available = regexp.MustCompile(`^\d+/\d+ nodes are available: `)
	nextNodes = regexp.MustCompile(`, (\d+ )`)
	figures   = regexp.MustCompile(`\d[\d.,]*`)
)

// clauses counts the reasons in the messages of pods, figures apart: those that most pods
// were told.
func clauses(messages map[string]string) map[string]int {
	counts := map[string]int{}
	for _, message := range messages {
		message, _, _ = strings.Cut(available.ReplaceAllString(message, ""), " preemption: ")
		for clause := range strings.SplitSeq(nextNodes.ReplaceAllString(message, "\n$1"), "\n") {
			counts[figures.ReplaceAllString(clause[:min(len(clause), 120)], "#")]++
		}
	}
	type entry struct {
		clause string
		count  int
	}
	var all []entry
	for clause, count := range counts {
		all = append(all, entry{clause, count})
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(b.count-a.count, strings.Compare(a.clause, b.clause)) })
	shown := map[string]int{}
	for _, e := range all[:min(len(all), 20)] {
		shown[e.clause] = e.count
	}
	return shown
}

// lines prints counts, a line each.
func lines(counts map[string]int) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&text, "  %6d  %s\n", counts[name], name)
	}
	return strings.TrimRight(text.String(), "\n")
}
