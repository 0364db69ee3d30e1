package scenario

import (
	"fmt"
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
//	mps/N             the same, each holder as a client of the GPU's MPS server with
//	                  one Nth of the memory at most: a client past that fails alone,
//	                  and a fatal error of one (Event.Crash) ends all of the GPU
//
// A MIG profile before the last two, as in 3g.20gb/time-slicing/2, cuts every GPU into as
// many instances of it as there is room for, and hands each of them out as N replicas. A
// request for several GPUs then never fits.
type Sharing string

// The words of Sharing.
const (
	ByRequest   Sharing = "ashlar"
	WholeGPUs   Sharing = "whole"
	timeSlicing         = "time-slicing"
	mpsSharing          = "mps"
)

const (
	// maxReplicas is how many replicas a GPU or MIG instance may have by time-slicing.
	maxReplicas = 100
	// maxClients is how many clients an MPS server has at most on a GPU. Source: NVIDIA,
	// Multi-Process Service, for GPUs since Volta; k8s-device-plugin,
	// cmd/mps-control-daemon/mps/device.go, which refuses more replicas.
	maxClients = 48
)

// replicaSharing is a Sharing by replicas, taken apart.
type replicaSharing struct {
	// profile is the MIG profile that GPUs are cut into, "" for GPUs that are not cut.
	profile string
	mps     bool
	// replicas is the N of a GPU or instance, 0 where GPUs are not handed out in replicas.
	replicas int
}

// asSharing puts it together again.
func (r replicaSharing) asSharing() Sharing {
	text := fmt.Sprintf("%s/%d", timeSlicing, r.replicas)
	if r.mps {
		text = fmt.Sprintf("%s/%d", mpsSharing, r.replicas)
	}
	if r.profile != "" {
		text = r.profile + "/" + text
	}
	return Sharing(text)
}

// asReplicas takes the sharing apart. The error says what is wrong with it, without its text.
func (s Sharing) asReplicas() (replicaSharing, error) {
	if s == "" || s == ByRequest || s == WholeGPUs {
		return replicaSharing{}, nil
	}
	words := strings.Split(string(s), "/")
	ways := 0
	for _, word := range words {
		if word == timeSlicing || word == mpsSharing {
			ways++
		}
	}
	forms := SharingForms()
	last := len(forms) - 1
	unknown := fmt.Errorf("want %s or %s", strings.Join(forms[:last], ", "), forms[last])
	switch {
	case ways > 1:
		return replicaSharing{}, fmt.Errorf("a GPU is shared in one way at a time: want one of %s/N and %s/N", timeSlicing, mpsSharing)
	case ways == 0 && len(words) == 1 && looksLikeProfile(words[0]):
		return replicaSharing{}, fmt.Errorf("how many share a slice? %s/%s/1 gives each to one holder", s, timeSlicing)
	case ways == 0 || len(words) > 3:
		return replicaSharing{}, unknown
	}
	r := replicaSharing{}
	if words[0] != timeSlicing && words[0] != mpsSharing {
		if r.profile = words[0]; !looksLikeProfile(r.profile) {
			return replicaSharing{}, fmt.Errorf("%q is no MIG profile: they are written like 3g.20gb", r.profile)
		}
		words = words[1:]
	}
	if len(words) > 2 || words[0] != timeSlicing && words[0] != mpsSharing {
		return replicaSharing{}, unknown
	}
	r.mps = words[0] == mpsSharing
	most, want := maxReplicas, "want 1 to %d replicas after %s/"
	if r.mps {
		most, want = maxClients, "want 1 to %d clients after %s/: an MPS server has no more"
	}
	if len(words) == 2 {
		r.replicas, _ = strconv.Atoi(words[1])
	}
	if len(words) < 2 || r.replicas < 1 || r.replicas > most || strconv.Itoa(r.replicas) != words[1] {
		return replicaSharing{}, fmt.Errorf(want, most, words[0])
	}
	return r, nil
}

// looksLikeProfile reports whether a word is written as MIG profiles are: 3g.20gb, 1g.10gb+me.
func looksLikeProfile(word string) bool {
	slices, memory, found := strings.Cut(word, "g.")
	return found && slices != "" && memory != "" && strings.Trim(slices, "0123456789") == "" && strings.Contains(memory, "gb")
}

// replicaTerms is the sharing taken apart, for one that was checked.
func (s Sharing) replicaTerms() replicaSharing {
	r, err := s.asReplicas()
	if err != nil {
		return replicaSharing{}
	}
	return r
}

func (s Sharing) checkWord(path string) error {
	if err := s.CheckForm(); err != nil {
		return fieldErrorf(path, "%v", err)
	}
	return nil
}
