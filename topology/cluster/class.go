package cluster

import (
	"encoding/binary"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// noClass is the class of a node without GPUs.
const noClass int32 = -1

// spareClasses bounds how many classes are remembered that no node is in: as many
// as there are nodes, and this many more.
const spareClasses = 4096

// classIndex numbers the classes of nodes: those of equal inventory in equal state.
type classIndex struct {
	count int32
	// byKey finds a class by its inventory and state, spelled out.
	byKey map[string]int32
	// inventories numbers the inventories, for the keys.
	inventories map[*placement.Inventory]uint32
	// generation changes when classes are numbered anew.
	generation int
	key        []byte
}

func newClassIndex() classIndex {
	return classIndex{byKey: map[string]int32{}, inventories: map[*placement.Inventory]uint32{}}
}

// Classes is how many different inventories and states the snapshot remembers.
func (s *Snapshot) Classes() int { return int(s.classes.count) }

// ClassOf numbers the class of node i: nodes of one class have equal inventories in equal
// state. It is negative without GPUs, and changes with the node's state.
func (s *Snapshot) ClassOf(i int) int32 { return s.rooms[i].class }

// classifyNode finds the class of a node after its state changed, and notes the change.
func (s *Snapshot) classifyNode(node int) {
	s.findClass(node)
	s.noteChanged(node)
}

// findClass numbers the class of a node.
func (s *Snapshot) findClass(node int) {
	n, x := &s.nodes[node], &s.classes
	if n.Inventory == nil {
		s.rooms[node].class = noClass
		return
	}
	number, known := x.inventories[n.Inventory]
	if !known {
		number = uint32(len(x.inventories))
		x.inventories[n.Inventory] = number
	}
	x.key = appendClassKey(x.key[:0], number, n.state.GPUs())
	class, known := x.byKey[string(x.key)]
	if !known {
		if int(x.count) > 2*len(s.nodes)+spareClasses {
			s.renumberClasses()
			s.findClass(node)
			return
		}
		class = x.count
		x.count++
		x.byKey[string(x.key)] = class
	}
	s.rooms[node].class = class
}

// renumberClasses forgets the classes that no node is in.
func (s *Snapshot) renumberClasses() {
	clear(s.classes.byKey)
	s.classes.count = 0
	s.classes.generation++
	for node := range s.nodes {
		s.findClass(node)
	}
}

// appendClassKey spells out an inventory's number and a state. Who holds what is not
// part of it: holders do not change what fits.
func appendClassKey(key []byte, inventory uint32, gpus placement.GPUStates) []byte {
	key = binary.LittleEndian.AppendUint32(key, inventory)
	for i := range gpus {
		gpu := &gpus[i]
		whole := byte(0)
		if gpu.Whole {
			whole = 1
		}
		key = append(key, whole, byte(gpu.MIG.Media.Decoders), byte(gpu.MIG.Media.Encoders), byte(gpu.MIG.Media.JPEG), byte(gpu.MIG.Media.OFA))
		key = binary.LittleEndian.AppendUint16(key, uint16(gpu.MIG.Slices))
		key = binary.LittleEndian.AppendUint64(key, uint64(gpu.Shared))
		key = binary.LittleEndian.AppendUint16(key, uint16(gpu.Compute))
		key = binary.LittleEndian.AppendUint32(key, uint32(gpu.Sharers))
	}
	return key
}
