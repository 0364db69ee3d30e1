package simulator

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// GPUSharing is how a GPU is handed out to several holders at a time: in replicas, as
// NVIDIA's device plugin does it, by time-slicing or to the clients of an MPS server.
type GPUSharing struct {
	// Parts is into how many MIG instances the GPU is cut, 1 for a GPU that is not.
	Parts int
	// Replicas is how many holders a part has at most.
	Replicas int
	// Memory is what the holders of a part have together.
	Memory topology.Bytes
	// MPS says that the holders of a part are clients of one MPS server: each has at most
	// ClientLimit of memory, and a fatal error of one ends all of them.
	MPS         bool
	ClientLimit topology.Bytes
}

// SlotCount is how many holders the GPU has at most.
func (s *GPUSharing) SlotCount() int { return s.Parts * s.Replicas }

// replicaBytes is the memory that a replica is booked with: nothing reserves any, but a share
// of 0 bytes would be all of it.
const replicaBytes = topology.MiB

// ShareDevice makes the device for a GPU's shares one that as many replicas fit into as
// there are.
func (s *GPUSharing) ShareDevice(device *placement.Device) {
	device.Memory = topology.Bytes(s.SlotCount()) * replicaBytes
}

// ReplicaRequest is a request for count replicas, on different GPUs that are handed out to
// slots holders each. accepts are the shares.
func ReplicaRequest(count, slots int, accepts placement.DeviceSet) *placement.Request {
	return &placement.Request{Parts: []placement.Part{{
		Count: count, Bytes: replicaBytes, Compute: topology.WholeGPU / topology.MilliGPU(max(1, slots)), Accepts: accepts,
	}}}
}

// maxSlots is how many holders a GPU may have at a time: a replica of less than a thousandth
// of the GPU could not be counted.
const maxSlots = int(topology.WholeGPU)

func (s *GPUSharing) validateSharing() error {
	if s.Parts < 1 || s.Replicas < 1 || s.Parts > maxSlots || s.Replicas > maxSlots/s.Parts || s.Memory < 0 || s.ClientLimit < 0 {
		return fmt.Errorf("shares a GPU as %d x %d replicas of %s, %s each: want 1 to %d replicas in all and no negative memory",
			s.Parts, s.Replicas, s.Memory, s.ClientLimit, maxSlots)
	}
	return nil
}

// partState is what is held of one part of a GPU that is handed out in replicas.
type partState struct {
	holders int
	inUse   topology.Bytes
	// busy adds up how busy running jobs keep the part, in thousandths; see Contention.
	busy int64
}

// gpuPart is one part of a node's GPU.
type gpuPart struct{ gpu, part int }

// newParts is the state of the parts of a node's GPUs that nobody holds.
func newParts(n *Node) [][]partState {
	parts := make([][]partState, n.gpuCount())
	for gpu := range parts {
		count := 1
		if len(n.Sharing) > 0 {
			count = n.Sharing[gpu].Parts
		}
		parts[gpu] = make([]partState, count)
	}
	return parts
}

// sharingOf is how a GPU is handed out in replicas: as a whole to as many as there are
// where the node does not say.
func (n *nodeState) sharingOf(gpu int) GPUSharing {
	if len(n.Sharing) > 0 {
		return n.Sharing[gpu]
	}
	return GPUSharing{Parts: 1, Replicas: maxSlots, Memory: n.Inventory.Node.GPUs[gpu].Model.Usable()}
}

// takeReplica chooses the part of a GPU that a new holder shares: the one with the fewest
// holders, as the device plugin does it (github.com/NVIDIA/k8s-device-plugin,
// internal/rm/allocate.go, distributedAlloc).
func (n *nodeState) takeReplica(gpu int) gpuPart {
	parts := n.parts[gpu]
	best := 0
	for i := range parts {
		if parts[i].holders < parts[best].holders {
			best = i
		}
	}
	parts[best].holders++
	return gpuPart{gpu, best}
}

func (n *nodeState) returnReplica(at gpuPart) { n.parts[at.gpu][at.part].holders-- }

// takeReplicas chooses the parts of GPUs that a member with replicas shares with others.
func (e *simulationRun) takeReplicas(j *Job, m *jobMember) {
	n := e.cluster.nodes[m.node]
	if len(m.devices) == 0 || !e.cluster.requestOf(j.Template).resolveFor(n.Inventory).Replica {
		return
	}
	for k := range m.devices {
		m.replicas = append(m.replicas, n.takeReplica(n.Inventory.Devices[m.devices[k].Device].GPU))
	}
}
