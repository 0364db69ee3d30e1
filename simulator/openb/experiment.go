package openb

import (
	"context"
	"errors"
	"fmt"

	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// Experiment is one policy on one trace with one seed.
type Experiment struct {
	// Nodes and Pods are sorted by name, as ReadNodes and ReadPods return them.
	Nodes  []policy.NodeCapacity
	Pods   []policy.TracePod
	Policy policy.NodePolicy
	Seed   int64
}

// Result is how an experiment went.
type Result struct {
	// Arrived and Failed count pods. One that fits nowhere fails and does not come
	// back.
	Arrived, Failed int
	// Allocated is what pods hold in the end.
	Allocated topology.MilliGPU
	curves    *allocationCurves
}

// At is how things stood when the pods that had arrived asked for that many percent of
// all GPUs, failed ones included; 0 to 130.
func (r *Result) At(arrivedPercent int) CurvePoint {
	return r.curves.pointAt(min(max(arrivedPercent, 0), columns-1))
}

// Run runs the experiment. It stops when ctx does.
func (e *Experiment) Run(ctx context.Context) (*Result, error) {
	arrivals, err := DrawArrivals(e.Nodes, e.Pods, e.Seed)
	if err != nil {
		return nil, err
	}
	nodes := make([]policy.NodeCapacity, len(e.Nodes))
	for i, at := range arrivals.Nodes {
		nodes[i] = e.Nodes[at]
	}
	c, err := policy.NewClusterState(nodes)
	if err != nil {
		return nil, err
	}
	demand := demandOf(e.Pods)
	run := &experimentRun{
		cluster: c, selector: e.Policy.Selector(c, demand, e.Seed),
		fragmentation: forecast.NewFragmentation(c.Amounts(), demand.TypicalClasses(forecast.TypicalPercent)),
		fragments:     make([]float64, c.Len()),
		result:        &Result{curves: newCurves(c.Capacity())},
	}
	for i := range run.fragments {
		run.noteFragment(i)
	}
	for i, pod := range arrivals.Pods {
		if i%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err := run.podArrives(e.Pods[pod]); err != nil {
			return nil, err
		}
	}
	run.result.Allocated = c.Capacity() - c.Idle()
	return run.result, nil
}

// demandOf is the demand that policies may expect: the classes of the trace's pods,
// before clones are added.
func demandOf(pods []policy.TracePod) *forecast.ClassDemand {
	classes := make([]forecast.PodClass, len(pods))
	for i := range pods {
		classes[i] = pods[i].PodClass
	}
	return forecast.NewClassDemand(classes)
}

// experimentRun is an experiment under way.
type experimentRun struct {
	cluster       *policy.ClusterState
	selector      policy.NodeSelector
	fragmentation *forecast.Fragmentation
	// fragments is by node, fragment their sum.
	fragments []float64
	fragment  float64
	arrived   topology.MilliGPU
	result    *Result
}

// errMisplaced says that a policy chose what cannot be, which is a mistake in it.
var errMisplaced = errors.New("the policy chose a node on which the pod does not fit")

func (r *experimentRun) podArrives(pod policy.TracePod) error {
	r.result.Arrived++
	r.arrived += pod.AllGPUs()
	if at, found := r.selector.SelectNode(pod); !found {
		r.result.Failed++
	} else if _, err := r.cluster.Place(pod, at); err != nil {
		return fmt.Errorf("%w: %w", errMisplaced, err)
	} else {
		r.noteFragment(at.Node)
	}
	r.result.curves.addSample(r.arrived, r.cluster.Idle(), r.fragment)
	return nil
}

// noteFragment brings the sum of fragments up to date after a change of one node.
func (r *experimentRun) noteFragment(node int) {
	now := r.fragmentation.FragmentOf(r.cluster.Node(node).NodeAmounts)
	r.fragment += now - r.fragments[node]
	r.fragments[node] = now
}
