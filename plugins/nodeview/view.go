package nodeview

import (
	"context"
	"iter"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// View is one node's GPUs as one pod sees them, at one moment of a scheduling cycle.
type View interface {
	// Inventory is what the node hands out. Nodes of one make share it.
	Inventory() *placement.Inventory
	// GPUs is what is held of each GPU. The caller may change it.
	GPUs() placement.GPUStates
	// State is who holds what. It costs more than GPUs, which is enough to place a pod.
	// An error means that holders could not be read.
	State() (*placement.NodeState, error)
	// Requests yields what the pod asks of the node, in the node's terms: one request for
	// every combination of alternatives, the most preferred first. It yields none if the
	// pod asks for something that is not understood.
	Requests(ctx context.Context) iter.Seq[*placement.Request]
	// DecidedHere reports whether this view's refusal is the last word: everything that
	// the pod asks for is understood, and nothing outside the view could serve it.
	DecidedHere(ctx context.Context) bool
}
