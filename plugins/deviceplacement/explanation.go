package deviceplacement

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// String puts the explanation into words; "" if nothing was found out that the nodes'
// own reasons do not say.
func (e *podExplanation) String() string {
	switch {
	case e.nothingPublished:
		return "no node publishes devices (is the driver running?)"
	case len(e.unmet) > 0:
		return e.describeUnmet()
	case e.Explanation == nil, len(e.FitsAlready) > 0, len(e.Undecided) > 0:
		return "" // something other than GPUs is in the way
	case e.timedOut && len(e.suggestions) == 0:
		return fmt.Sprintf("what would fit was not found within %s", e.timeout)
	case len(e.suggestions) == 0 && e.forOthers:
		return "" // what would help is not known
	case len(e.suggestions) == 0:
		return "no single change on one node makes it fit: its requests need more GPUs than a node has"
	}
	var changes []string
	for i := range e.suggestions {
		changes = append(changes, e.suggestions[i].String())
	}
	return "would fit with a change: " + strings.Join(changes, "; or ")
}

// describeUnmet says what no GPU satisfies.
func (e *podExplanation) describeUnmet() string {
	var sentences []string
	for _, unmet := range e.unmet {
		condition := unmet.Condition
		if !unmet.Decided {
			condition = fmt.Sprintf("which of its conditions no GPU satisfies was not found within %s", e.timeout)
		}
		sentences = append(sentences, fmt.Sprintf("request %s: %s", unmet.Request, condition))
	}
	return strings.Join(sentences, "; ")
}

// String describes the change to somebody who looks at the whole cluster.
func (s *nodeSuggestion) String() string {
	what := fmt.Sprintf("%s on node %s", s.Suggestion, s.node)
	switch {
	case s.Kind == placement.FreeGPUs && len(s.holders) > 0:
		what += " (held by " + strings.Join(s.holders, ", ") + ")"
	case s.Kind == placement.OtherProfile:
		what = fmt.Sprintf("MIG profile %s fits on node %s", s.profile, s.node)
	}
	if s.request != "" {
		return fmt.Sprintf("request %s: %s", s.request, what)
	}
	return what
}
