package placement

import "math/bits"

// GPUSet is a set of one node's GPUs: bit i is GPU i.
type GPUSet uint32

// Len is the number of GPUs in the set.
func (s GPUSet) Len() int { return bits.OnesCount32(uint32(s)) }

// Has reports whether GPU i is in the set.
func (s GPUSet) Has(i int) bool { return s&(1<<i) != 0 }

// lowestGPU is the smallest index in a set that is not empty.
func (s GPUSet) lowestGPU() int { return bits.TrailingZeros32(uint32(s)) }

// nextOfSize returns the next larger bit pattern with as many bits set
// (Gosper's hack, HAKMEM item 175); s must not be empty.
func (s GPUSet) nextOfSize() GPUSet {
	low := s & -s
	ripple := s + low
	return ripple | ((s^ripple)>>2)/low
}
