package scenario

import "fmt"

// SharingForms are the ways to hand out GPUs as they are written, for help.
func SharingForms() []string {
	return []string{
		string(ByRequest), string(WholeGPUs), timeSlicing + "/N", mpsSharing + "/N",
		"PROFILE/" + timeSlicing + "/N", "PROFILE/" + mpsSharing + "/N",
	}
}

// CheckForm reports whether it is one of SharingForms. Whether the GPUs of a scenario can be
// handed out so is for Build to say.
func (s Sharing) CheckForm() error {
	if _, err := s.asReplicas(); err != nil {
		return fmt.Errorf("%q: %w", string(s), err)
	}
	return nil
}

// LimitsHolders reports whether holders are kept to a limit or to a MIG slice in which they
// are not alone: by MPS or inside slices.
func (s Sharing) LimitsHolders() bool {
	r := s.replicaTerms()
	return r.mps || r.profile != ""
}
