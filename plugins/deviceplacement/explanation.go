package deviceplacement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// The words of an explanation: sentences of cause, then one of remedy. They come behind
// the nodes' own reasons (node_reasons.go), and say what those cannot: figures of single
// nodes, what there is instead, and what would help. Nothing in them differs from one
// attempt to the next unless the cluster does, so that equal events are merged.

// textClause is a part of an explanation.
type textClause struct {
	text string
	kind clauseKind
	// joined says that it goes on with the sentence before.
	joined bool
}

// clauseKind says what a clause is for, and so what is left out first.
type clauseKind int

const (
	causeClause clauseKind = iota
	remedyClause
	detailClause // of a cause that the nodes' reasons give without it
)

// String puts the explanation into words; "" if nothing was found out that the nodes'
// own reasons do not say.
func (e *podExplanation) String() string { return joinClauses(e.listClauses()) }

// StatusText is String within a number of characters. What is left out are further
// remedies, then details, then what comes last; it then says where the rest is.
func (e *podExplanation) StatusText(limit int) string { return cutClauses(e.listClauses(), limit) }

func joinClauses(clauses []textClause) string {
	var text strings.Builder
	for i, c := range clauses {
		switch {
		case i == 0:
		case c.joined:
			text.WriteString("; ")
		case strings.HasSuffix(clauses[i-1].text, ellipsis):
			text.WriteString(" ")
		default:
			text.WriteString(". ")
		}
		text.WriteString(c.text)
	}
	return text.String()
}

// listClauses is the explanation in clauses, the most important part first. Taints of nodes that
// the pod may not be meant for stand before what would help, if the GPUs of others are told about.
func (e *podExplanation) listClauses() []textClause {
	all := e.listGPUClauses()
	remedy := slices.IndexFunc(all, func(c textClause) bool { return c.kind == remedyClause })
	if remedy < 0 {
		remedy = len(all)
	}
	var taints []textClause
	for _, sentence := range e.tainted {
		taints = append(taints, textClause{text: sentence, kind: detailClause})
	}
	return slices.Insert(all, remedy, taints...)
}

// listGPUClauses is the explanation but for taints of nodes.
func (e *podExplanation) listGPUClauses() []textClause {
	var all []textClause
	for _, sentence := range e.unserved {
		all = append(all, textClause{text: sentence})
	}
	for _, sentence := range e.elsewhere {
		all = append(all, textClause{text: sentence})
	}
	all = append(all, e.counted...)
	if e.nothingPublished {
		return append(all, textClause{text: "no node publishes devices (is the driver running?)"})
	}
	for _, unmet := range e.inTheWay {
		if len(e.nodes) == 1 && !unmet.Advises {
			continue // the node says so itself
		}
		all = append(all, textClause{text: requestPrefix(unmet.Request) + unmet.Condition})
	}
	for i, unmet := range e.unmet {
		condition := unmet.Condition
		if !unmet.Decided {
			condition = fmt.Sprintf("which of its conditions no GPU satisfies was not found within %s", e.timeout)
		}
		if rest, found := strings.CutPrefix(condition, "no GPU "); found && e.partly {
			condition = "no GPU of " + e.lookedAt() + " " + rest
		}
		kind := causeClause
		if unmet.Hopeful && !unmet.Advises {
			kind = detailClause
		}
		all = append(all, textClause{text: requestPrefix(unmet.Request) + condition, kind: kind, joined: i > 0})
	}
	all = append(all, e.elsewhereStarts...)
	if e.Explanation == nil || len(e.FitsAlready) > 0 || len(e.Undecided) > 0 {
		return all // something other than GPUs is in the way
	}
	for i, figure := range e.nearestFigures() {
		all = append(all, textClause{text: figure, kind: detailClause, joined: i > 0})
	}
	return append(all, e.remedyClauses()...)
}

// lookedAt are the nodes that an unmet request is about, where they are not all.
func (e *podExplanation) lookedAt() string {
	switch count := len(e.nodes); {
	case count == 1:
		return "node " + e.nodes[0]
	case count <= maxNamedNodes:
		return "nodes " + strings.Join(e.nodes, ", ")
	}
	return "the nodes left"
}

func requestPrefix(request string) string {
	if request == "" {
		return ""
	}
	return "request " + request + ": "
}

// nearestFigures say how near the nearest node is to what is asked.
func (e *podExplanation) nearestFigures() []string {
	var figures []string
	for i := range e.Refusals {
		refusal := &e.Refusals[i]
		reason, node, total, totalNode := &refusal.Most, e.nodes[refusal.MostNode], &refusal.MostTotal, e.nodes[refusal.MostTotalNode]
		request, text := e.requests.RequestOn(refusal.MostNode, 0), "" // nodes differ in what is asked of their GPUs
		switch {
		case reason.Code == placement.GPUsBusy && total.Total < reason.Want:
			text = fmt.Sprintf("the most on one node is %d (%s)", total.Total, totalNode)
		case reason.Code == placement.GPUsBusy && len(refusal.Nodes) == 1:
			text = fmt.Sprintf("%d of %d matching GPUs of node %s %s free", reason.Have, reason.Total, node, isOrAre(reason.Have))
		case reason.Code == placement.GPUsBusy && reason.Have > 0:
			text = fmt.Sprintf("the most free on one node is %d (%s)", reason.Have, node)
		case reason.Code == placement.MemoryShort && total.Total < reason.Want:
			text = fmt.Sprintf("the largest has %s (%s)", topology.Bytes(total.Total), totalNode)
		case reason.Code == placement.MemoryShort:
			text = fmt.Sprintf("the most left on one GPU is %s (%s)", topology.Bytes(reason.Have), node)
		case reason.Code == placement.Unlike && reason.Constraint >= 0 && request != nil && reason.Constraint < len(request.Constraints):
			text = fmt.Sprintf("%s %d (%s)", describeMost(&request.Constraints[reason.Constraint]), reason.Have, node)
		}
		if text == "" {
			continue
		}
		if reason.Part >= 0 && request != nil && len(request.Parts) > 1 && reason.Part < len(request.Parts) {
			text = requestPrefix(request.Parts[reason.Part].Name) + text
		}
		figures = append(figures, text)
	}
	return figures
}

// describeMost says what the figure of a constraint is about.
func describeMost(constraint *placement.Constraint) string {
	if constraint.Distinct {
		return "the most different values of " + constraint.Name + " on one node are"
	}
	return "the largest " + constraint.Name + " has"
}

func isOrAre(count int64) string {
	if count == 1 {
		return "is"
	}
	return "are"
}

// remedyClauses say what would help.
func (e *podExplanation) remedyClauses() []textClause {
	switch {
	case e.grouped:
		return nil
	case e.timedOut && len(e.suggestions) == 0:
		return []textClause{{text: fmt.Sprintf("what would fit was not found within %s", e.timeout)}}
	case len(e.suggestions) == 0 && len(e.elsewhereStarts) == 0 && len(e.unmet) == 0 && len(e.inTheWay) == 0 && e.Complete:
		return []textClause{{text: "no single change on one node makes it fit"}}
	}
	var all []textClause
	for i := range e.suggestions {
		text := e.suggestions[i].String()
		if i == 0 {
			text = "would fit with a change: " + text
		} else {
			text = "or " + text
		}
		all = append(all, textClause{text: text, kind: remedyClause, joined: i > 0})
	}
	return all
}

// maxNamedHolders is how many pods are named that hold what is to be freed.
const maxNamedHolders = 4

// String describes the change to somebody who looks at the whole cluster.
func (s *nodeSuggestion) String() string {
	what := fmt.Sprintf("%s on node %s", s.Suggestion, s.node)
	of := fmt.Sprintf("%s of node %s", placement.GPURanges(s.GPUs), s.node)
	switch s.Kind {
	case placement.FreeGPUs:
		what = fmt.Sprintf("it fits once %s %s free", of, isOrAre(int64(s.GPUs.Len())))
	case placement.Reslice:
		what = fmt.Sprintf("it fits once the MIG instances of %s are rearranged", of)
	case placement.OtherProfile:
		what = fmt.Sprintf("MIG profile %s fits on node %s", s.profile, s.node)
	case placement.WholeGPU:
		if s.product != "" && s.GPUs.Len() == 1 {
			what = fmt.Sprintf("a whole %s fits on node %s", s.product, s.node)
		}
	case placement.OtherModel:
		if s.product != "" {
			what = fmt.Sprintf("%s (%s) fits on node %s", placement.GPURanges(s.GPUs), s.product, s.node)
			if s.GPUs.Len() > 1 {
				what = fmt.Sprintf("%s (%s) fit on node %s", placement.GPURanges(s.GPUs), s.product, s.node)
			}
		}
	}
	if len(s.holders) > 0 {
		what += " (held by " + nameHolders(s.holders) + ")"
	}
	return requestPrefix(s.request) + what
}

// nameHolders names the first of the pods that hold something.
func nameHolders(holders []string) string {
	if more := len(holders) - maxNamedHolders; more > 0 {
		holders = append(holders[:maxNamedHolders:maxNamedHolders], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(holders, ", ")
}
