package simulator

import (
	"iter"
	"math/bits"
)

// jobSet is a set of jobs by index. Going through it takes a step for each 64 jobs of the
// run, and one for each that is in it.
type jobSet struct{ words []uint64 }

func (s *jobSet) addJob(job int) {
	for len(s.words) <= job/64 {
		s.words = append(s.words, 0)
	}
	s.words[job/64] |= 1 << (job % 64)
}

func (s *jobSet) removeJob(job int) { s.words[job/64] &^= 1 << (job % 64) }

// inOrder yields the jobs, the lowest index first. The set must not change meanwhile.
func (s *jobSet) inOrder() iter.Seq[int] {
	return func(yield func(job int) bool) {
		for i, word := range s.words {
			for ; word != 0; word &= word - 1 {
				if !yield(i*64 + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}
