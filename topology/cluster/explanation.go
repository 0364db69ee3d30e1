package cluster

import (
	"cmp"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Explanation is why a pod fits on none of some nodes, and what would make it fit. It
// only says what was found out; callers put it into words.
type Explanation struct {
	// Refusals are the reasons, the one with the most nodes first. A node that gives
	// several reasons is in several.
	Refusals []NodeRefusal
	// Suggestions are the smallest change of each kind after which the pod fits, the
	// smallest kind first.
	Suggestions []NodeSuggestion
	// FitsAlready are nodes whose devices would serve the pod as things are, so that
	// something else is in the way there; no changes are looked for then.
	FitsAlready []int
	// Undecided are nodes about which the search was cut short.
	Undecided []int
	// Complete says that every node was looked at. Otherwise there may be more reasons,
	// and smaller changes.
	Complete bool
}

// NodeRefusal is one reason and the nodes that give it.
type NodeRefusal struct {
	Reason placement.Reason
	// Nodes are in the order in which they were asked.
	Nodes []int
	// Most is the reason of the first node that has the most of what is asked, MostNode,
	// and MostTotal that of the first that would have if nobody held anything.
	Most, MostTotal         placement.Reason
	MostNode, MostTotalNode int
	// GPUs says of each GPU of the first node why it cannot serve the part by itself;
	// empty for a reason that is about all parts together.
	GPUs []placement.GPUDiagnosis
}

// NodeSuggestion is a change that concerns one node.
type NodeSuggestion struct {
	Node int
	placement.Suggestion
}

// ExplainLimit bounds how long an explanation may take.
type ExplainLimit struct {
	// Classes is how many nodes in different states are looked at, 0 for all.
	Classes int
	// Stop is asked before each; true ends the search. nil never does.
	Stop func() bool
}

// Explain says why a pod fits on none of the nodes. Nodes of one class give one answer,
// so that they are asked once.
func (r *NodeRanking) Explain(nodes []int, limit ExplainLimit) *Explanation {
	r.refreshAnswers()
	e := &refusalCollector{ranking: r, byClass: map[otherKey]placement.Verdict{}, best: map[placement.SuggestionKind]NodeSuggestion{}}
	complete := true
	for _, node := range nodes {
		class := r.snapshot.rooms[node].class
		if class == noClass {
			continue
		}
		key := otherKey{class, r.keyOn(node)}
		verdict, known := e.byClass[key]
		if !known {
			if limit.Classes > 0 && len(e.byClass) >= limit.Classes || limit.Stop != nil && limit.Stop() {
				complete = false
				break
			}
			verdict = e.explainClass(node)
			e.byClass[key] = verdict
		}
		e.addNode(node, verdict)
	}
	return e.buildExplanation(complete)
}

// refusalCollector collects an explanation.
type refusalCollector struct {
	ranking *NodeRanking
	// byClass holds the verdicts, with lists of their own.
	byClass  map[otherKey]placement.Verdict
	refusals []NodeRefusal
	best     map[placement.SuggestionKind]NodeSuggestion
	fits     []int
	cutShort []int
}

// explainClass asks the first node of a class, and what would help there.
func (e *refusalCollector) explainClass(node int) placement.Verdict {
	verdict := e.ranking.placeOn(node)
	verdict.Reasons = slices.Clone(verdict.Reasons)
	request := e.ranking.request.RequestOn(node, 0)
	if verdict.Outcome != placement.Refused || request == nil || len(e.fits) > 0 {
		return verdict
	}
	for _, change := range placement.SuggestChanges(&e.ranking.snapshot.nodes[node].state, request, e.ranking.policy) {
		found := NodeSuggestion{Node: node, Suggestion: change}
		if known, has := e.best[change.Kind]; !has || isCloser(&found, &known) {
			e.best[change.Kind] = found
		}
	}
	return verdict
}

// isCloser reports whether a suggestion asks less of the user than another of its kind.
// Of equals the first one stays, but fewer GPUs to free are told apart by node.
func isCloser(a, b *NodeSuggestion) bool {
	switch a.Kind {
	case placement.SmallerShare:
		return a.Bytes > b.Bytes
	case placement.OtherProfile:
		return profileDistance(&a.Suggestion) < profileDistance(&b.Suggestion)
	case placement.FewerGPUs:
		return a.Count > b.Count
	}
	return cmp.Or(cmp.Compare(a.GPUs.Len(), b.GPUs.Len()), cmp.Compare(a.Node, b.Node)) < 0
}

// profileDistance is how far the memory of a MIG profile is from what was asked for.
func profileDistance(s *placement.Suggestion) topology.Bytes {
	return max(s.Bytes-s.Wanted, s.Wanted-s.Bytes)
}

// addNode counts a node under what its class answered.
func (e *refusalCollector) addNode(node int, verdict placement.Verdict) {
	switch verdict.Outcome {
	case placement.Fits:
		e.fits = append(e.fits, node)
	case placement.Undecided:
		e.cutShort = append(e.cutShort, node)
	}
	for _, reason := range verdict.Reasons {
		at := slices.IndexFunc(e.refusals, func(r NodeRefusal) bool { return sameReason(r.Reason, reason) })
		if at < 0 {
			at = len(e.refusals)
			e.refusals = append(e.refusals, NodeRefusal{
				Reason: reason, GPUs: e.diagnoseNode(node, reason.Part), Most: reason, MostTotal: reason, MostNode: node, MostTotalNode: node,
			})
		}
		refusal := &e.refusals[at]
		refusal.Nodes = append(refusal.Nodes, node)
		if reason.Have > refusal.Most.Have {
			refusal.Most, refusal.MostNode = reason, node
		}
		if reason.Total > refusal.MostTotal.Total {
			refusal.MostTotal, refusal.MostTotalNode = reason, node
		}
	}
}

// sameReason leaves out what a node has, which differs from one to the other.
func sameReason(a, b placement.Reason) bool {
	return a.Code == b.Code && a.Part == b.Part && a.Want == b.Want && a.Constraint == b.Constraint
}

// diagnoseNode looks at the GPUs of a node, for one part of the request.
func (e *refusalCollector) diagnoseNode(node, part int) []placement.GPUDiagnosis {
	request := e.ranking.request.RequestOn(node, 0)
	if part < 0 || request == nil || part >= len(request.Parts) {
		return nil // the reason is of another alternative
	}
	n := &e.ranking.snapshot.nodes[node]
	return placement.DiagnoseGPUs(n.Inventory, n.state.GPUs(), &request.Parts[part])
}

// buildExplanation puts together what was collected.
func (e *refusalCollector) buildExplanation(complete bool) *Explanation {
	slices.SortStableFunc(e.refusals, func(a, b NodeRefusal) int { return cmp.Compare(len(b.Nodes), len(a.Nodes)) })
	explanation := &Explanation{Refusals: e.refusals, FitsAlready: e.fits, Undecided: e.cutShort, Complete: complete}
	if len(e.fits) > 0 {
		return explanation
	}
	for _, kind := range placement.SuggestionKinds {
		if suggestion, found := e.best[kind]; found {
			explanation.Suggestions = append(explanation.Suggestions, suggestion)
		}
	}
	return explanation
}
