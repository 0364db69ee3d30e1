package simulator

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// PodTemplate is what each member of a job asks of a node's GPUs. Jobs that ask the same
// should share one, because a run caches by template what nodes answered.
type PodTemplate struct {
	// Name is the kind of request, for people: "2 GPUs", "mig 1g.10gb".
	Name string
	// For says what is asked of the nodes of one make; nil for a job without GPUs. It
	// must always answer the same, and its Request accept nothing where the make can
	// never serve it.
	For func(*placement.Inventory) NodeRequest
}

// NodeRequest is what a template asks of the nodes of one make.
type NodeRequest struct {
	Request *placement.Request
	// UsesMemory is the memory that each member really allocates on each GPU, slice or share
	// that it gets; 0 for no more than that.
	UsesMemory topology.Bytes
	// Replica says that the member gets replicas of GPUs (Node.Sharing) rather than a part
	// of its own: it runs out of memory if all members on the same part of a GPU together
	// use more than that has, or it alone more than the limit of an MPS client. Otherwise
	// it does if it uses more than its part.
	Replica bool
}

// wantsGPUs reports whether the template asks for any GPU at all.
func (a *PodTemplate) wantsGPUs() bool { return a.For != nil }
