package deviceplacement

import (
	"slices"
	"sync"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
)

// nodeRefusals remembers in one cycle how a node was refused, for the nodes that are like it:
// the reasons are found and worded once. Safe for concurrent use; nil remembers nothing.
type nodeRefusals struct {
	ranking *dra.PodRanking
	mutex   sync.Mutex
	byKey   map[dra.AnswerKey]*fwk.Status
}

func newNodeRefusals(ranking *dra.PodRanking) *nodeRefusals {
	return &nodeRefusals{ranking: ranking, byKey: map[dra.AnswerKey]*fwk.Status{}}
}

// find is how a node like this one was refused, nil if none was.
func (r *nodeRefusals) find(node string) *fwk.Status {
	if r == nil {
		return nil
	}
	key, comparable := r.ranking.AnswerKeyOf(node)
	if !comparable {
		return nil
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	known := r.byKey[key]
	if known == nil {
		return nil
	}
	return fwk.NewStatus(known.Code(), slices.Clone(known.Reasons())...) // the framework writes into it
}

// note remembers how a node was refused, and returns it.
func (r *nodeRefusals) note(node string, status *fwk.Status) *fwk.Status {
	if r == nil {
		return status
	}
	if key, comparable := r.ranking.AnswerKeyOf(node); comparable {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		r.byKey[key] = fwk.NewStatus(status.Code(), slices.Clone(status.Reasons())...)
	}
	return status
}
