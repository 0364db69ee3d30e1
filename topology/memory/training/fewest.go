package training

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// Fit is whether an account fits a GPU.
type Fit int8

// The answers.
const (
	FitsNot Fit = iota
	// FitsClosely is an answer within the margin.
	FitsClosely
	FitsSurely
)

// FitOn says whether the account fits a GPU of so much memory.
func (a *Account) FitOn(total topology.Bytes) Fit {
	switch {
	case a.Total()+a.Margin() <= total:
		return FitsSurely
	case a.Total() <= total:
		return FitsClosely
	}
	return FitsNot
}

// mostShards is how many GPUs are looked at.
const mostShards = 1024

// FewestShards is the account with the fewest GPUs, by powers of two, of which each surely holds
// its part in so much memory; nil if no number up to 1024 is enough. Where the settings shard nothing,
// more GPUs do not help.
func FewestShards(m *model.Model, s Settings, total topology.Bytes) (*Account, error) {
	for s.Shards = 1; s.Shards <= mostShards; s.Shards *= 2 {
		a, err := NewAccount(m, s)
		if err != nil {
			return nil, err
		}
		if a.FitOn(total) == FitsSurely {
			return a, nil
		}
		if s.Stage == ShardNothing {
			break
		}
	}
	return nil, nil
}
