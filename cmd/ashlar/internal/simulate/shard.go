package simulate

import (
	"fmt"
	"strconv"
	"strings"
)

// shardFlag is a flag's value: which part of a sweep to run, "3/20" for the fourth of 20.
// The zero shard is all of it.
type shardFlag struct{ index, of int }

// maxShards bounds how many shards a sweep is divided into.
const maxShards = 100_000

// String implements pflag.Value.
func (s *shardFlag) String() string {
	if s.of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.index, s.of)
}

// Type implements pflag.Value.
func (s *shardFlag) Type() string { return "INDEX/SHARDS" }

// Set implements pflag.Value.
func (s *shardFlag) Set(text string) error {
	first, second, _ := strings.Cut(text, "/")
	index, err := strconv.Atoi(first)
	of, errOf := strconv.Atoi(second)
	if err != nil || errOf != nil || of < 1 || of > maxShards || index < 0 || index >= of {
		return fmt.Errorf("want an index from 0 and the number of shards, like 0/20, not %q", text)
	}
	*s = shardFlag{index, of}
	return nil
}

// ofShard takes every so manieth element: neighbours, which cost alike, go to different
// shards.
func ofShard[T any](s shardFlag, all []T) []T {
	if s.of == 0 {
		return all
	}
	var mine []T
	for i := s.index; i < len(all); i += s.of {
		mine = append(mine, all[i])
	}
	return mine
}
