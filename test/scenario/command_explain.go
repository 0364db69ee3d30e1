package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// explainPod says why a pod fits on no node, and what would help: the reasons and how many
// nodes give them, what is in the way on each GPU of the first of these, and the
// smallest change of each kind. With classes= at most so many nodes in different states
// are looked at; nodes= restricts it to some.
//
// Example:
//
//	explain classes=10 nodes=(h-0, h-1)
//	gpus=4
func (e *Environment) explainPod(args *commandArguments, lines []string) (string, error) {
	p, err := e.parsePod(args, lines)
	if err != nil {
		return "", err
	}
	nodes, err := e.nodeNumbers(args.valueList("nodes"))
	if err != nil {
		return "", err
	}
	args.hasOption("nodes")
	explanation := p.ranking.Explain(nodes, cluster.ExplainLimit{Classes: int(args.numberOf("classes", 0, 0))})
	var out strings.Builder
	for _, refusal := range explanation.Refusals {
		fmt.Fprintln(&out, e.reasonWords(p, &refusal))
		out.WriteString(e.diagnosisWords(refusal.Nodes[0], refusal.GPUs))
	}
	out.WriteString(e.otherwiseWords(explanation))
	for _, suggestion := range explanation.Suggestions {
		fmt.Fprintf(&out, "%s: %s\n", suggestion.Kind, e.suggestionWords(p, &suggestion))
	}
	if explanation.Complete {
		out.WriteString("complete: every node was looked at\n")
	} else {
		out.WriteString("not complete: there may be more reasons, and smaller changes\n")
	}
	return out.String(), nil
}

// reasonWords is a reason, the nodes that give it, and how much of what was asked the
// first of them has.
func (e *Environment) reasonWords(p *podOptions, refusal *cluster.NodeRefusal) string {
	words := refusal.Reason.String()
	if refusal.Reason.Part >= 0 && len(p.request.alternatives[0].parts) > 1 {
		words = p.request.partName(refusal.Reason.Part) + ": " + words
	}
	have := ""
	switch refusal.Reason.Code {
	case placement.MemoryShort:
		have = topology.Bytes(refusal.Reason.Have).String()
	case placement.GPUsBusy, placement.SlicesTaken:
		have = fmt.Sprint(refusal.Reason.Have)
	}
	if have != "" {
		have = fmt.Sprintf("; %s has %s", e.snapshot.Node(refusal.Nodes[0]).Name, have)
	}
	return fmt.Sprintf("%s: %s (%s%s)", words, e.nodeNames(refusal.Nodes), refusal.Reason.Code, have)
}

// otherwiseWords names the nodes that give no reason.
func (e *Environment) otherwiseWords(explanation *cluster.Explanation) string {
	out := ""
	if len(explanation.FitsAlready) > 0 {
		out += "devices would serve it, something else is in the way: " + e.nodeNames(explanation.FitsAlready) + "\n"
	}
	if len(explanation.Undecided) > 0 {
		out += "search cut short: " + e.nodeNames(explanation.Undecided) + "\n"
	}
	return out
}

// diagnosisWords says what is in the way on each GPU, alike ones together.
func (e *Environment) diagnosisWords(node int, gpus []placement.GPUDiagnosis) string {
	var words []string
	members := map[string][]int{}
	for _, d := range gpus {
		text := string(d.Obstacle)
		switch {
		case d.Obstacle == placement.NoObstacle && d.Open == 1:
			text = "1 device fits"
		case d.Obstacle == placement.NoObstacle:
			text = fmt.Sprintf("%d devices fit", d.Open)
		}
		text += ", " + (topology.Bytes(d.LeftMiB) * topology.MiB).String() + " left"
		if !slices.Contains(words, text) {
			words = append(words, text)
		}
		members[text] = append(members[text], d.GPU)
	}
	out := ""
	for _, text := range words {
		out += fmt.Sprintf("  %s of %s: %s\n", gpuNumbers(members[text]), e.snapshot.Node(node).Name, text)
	}
	return out
}

// suggestionWords says what a change is about: of which part, where, and who is affected.
func (e *Environment) suggestionWords(p *podOptions, s *cluster.NodeSuggestion) string {
	words := s.String()
	if s.Part >= 0 && len(p.request.alternatives[0].parts) > 1 {
		words = p.request.partName(s.Part) + ": " + words
	}
	if s.Kind == placement.OtherProfile {
		words += ": " + e.machineOf(s.Node).profileName(s.Device)
	}
	words += ", on " + e.snapshot.Node(s.Node).Name
	if len(s.Holders) > 0 {
		var names []string
		for _, h := range s.Holders {
			names = append(names, string(h))
		}
		words += ", held by " + strings.Join(names, ", ")
	}
	return words
}
