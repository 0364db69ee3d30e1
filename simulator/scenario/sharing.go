package scenario

import (
	"strconv"
	"strings"
)

// Sharing is how GPUs are handed out:
//
//	ashlar            each request in the form that it asks for, the default
//	whole             a whole GPU for every MIG instance, share or model server, as
//	                  without any sharing
//	time-slicing/N    every GPU as N replicas. A request for part of a GPU gets one,
//	                  and one for k GPUs k of them on different GPUs; nothing keeps
//	                  holders to a part of the memory.
type Sharing string

// The words of Sharing.
const (
	ByRequest   Sharing = "ashlar"
	WholeGPUs   Sharing = "whole"
	timeSlicing         = "time-slicing/"
)

// maxReplicas is how many replicas a GPU may have.
const maxReplicas = 100

// replicaCount is N of time-slicing/N, 0 without time-slicing.
func (s Sharing) replicaCount() int {
	number, found := strings.CutPrefix(string(s), timeSlicing)
	n, err := strconv.Atoi(number)
	if !found || err != nil {
		return 0
	}
	return n
}

func (s Sharing) checkWord(path string) error {
	if s == "" || s == ByRequest || s == WholeGPUs {
		return nil
	}
	if n := s.replicaCount(); n < 1 || n > maxReplicas {
		return fieldErrorf(path, "%q, want %s, %s or %sN for 1 to %d replicas", string(s), ByRequest, WholeGPUs, timeSlicing, maxReplicas)
	}
	return nil
}
