package simulator

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// StateSnapshot is the state of nodes at the time of a sample, for a map over time. It has
// only the nodes that changed since the snapshot before: the state at a time is that of
// all snapshots up to it, later ones replacing earlier ones node by node.
type StateSnapshot struct {
	At    Time      `json:"t"`
	Views []GPUView `json:"tiles,omitempty"`
}

// GPUView is one node. Its text has a word for each GPU, with spaces between them:
//
//	w2             all of it is held by a job of class 2 (an index into Result.Classes)
//	m0:4=2,4:2=0   MIG instances by start:size in memory slices, with their classes
//	s250=2,500=0   shares in thousandths of the GPU, with their classes
//	-              nobody holds any of it
//
// A node without GPUs has its number of jobs instead: "j12". A node that is down has
// "x", and one that drains has "d " before the rest.
type GPUView struct {
	Node int    `json:"node"`
	GPUs string `json:"gpus"`
}

// recordState takes a snapshot.
func (s *stateSampler) recordState(e *simulationRun, at Time) {
	count := min(e.input.SnapshotNodes, len(e.cluster.nodes))
	if count == 0 {
		return
	}
	if s.last == nil {
		s.last = make([]string, count)
	}
	changes := StateSnapshot{At: at}
	for i := range count {
		if text := e.viewOfNode(i); text != s.last[i] {
			s.last[i] = text
			changes.Views = append(changes.Views, GPUView{Node: i, GPUs: text})
		}
	}
	s.snapshots = append(s.snapshots, changes)
}

func (e *simulationRun) viewOfNode(node int) string {
	n := e.cluster.nodes[node]
	if !n.up {
		return "x"
	}
	var text strings.Builder
	if n.draining {
		text.WriteString("d ")
	}
	allocations := e.cluster.snapshot.NodeState(node).Allocations()
	if n.Inventory == nil {
		return text.String() + "j" + strconv.Itoa(len(allocations))
	}
	held := make([]string, n.gpuCount())
	seen := make([]int, len(allocations))
	for i := range allocations {
		seen[i] = jobOf(allocations[i].Holder)
	}
	slices.Sort(seen)
	for _, job := range slices.Compact(seen) {
		class := strconv.Itoa(e.classOf(job))
		for i := range e.jobStates[job].members {
			m := &e.jobStates[job].members[i]
			if m.node != node {
				continue
			}
			for k := range m.devices {
				device := &n.Inventory.Devices[m.devices[k].Device]
				word := &held[device.GPU]
				if *word == "" {
					*word = "wms"[device.Form : device.Form+1]
				} else {
					*word += ","
				}
				switch device.Form {
				case placement.MIG:
					*word += device.Placement.String() + "=" + class
				case placement.Share:
					*word += strconv.FormatInt(n.fractionOf(&m.devices[k]), 10) + "=" + class
				case placement.Whole:
					*word += class
				}
			}
		}
	}
	for gpu, word := range held {
		if gpu > 0 {
			text.WriteByte(' ')
		}
		if word == "" {
			word = "-"
		}
		text.WriteString(word)
	}
	return text.String()
}
