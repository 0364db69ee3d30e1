package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// planAnswers is what plan prints: its JSON form is stable.
type planAnswers struct {
	Plans []*planAnswer `json:"plans"`
}

// planAnswer is the answer for one model server.
type planAnswer struct {
	// Object is what a manifest calls the server: "Deployment/vllm container vllm".
	Object     string `json:"object,omitempty"`
	Model      string `json:"model"`
	Kind       string `json:"kind"`
	Parameters int64  `json:"parameters"`
	// WeightBytes is what one server keeps of the files, on all its GPUs together.
	WeightBytes int64 `json:"weightBytes"`
	// KVBytesPerToken is for all GPUs of tensor parallelism 1.
	KVBytesPerToken int64  `json:"kvBytesPerToken"`
	Quantisation    string `json:"quantisation,omitempty"`

	Engine        string `json:"engine"`
	EngineVersion string `json:"engineVersion"`
	MaxModelLen   int64  `json:"maxModelLen"`
	Context       int64  `json:"context"`
	Concurrency   int64  `json:"concurrency"`

	// Smallest is the option that fits with the least memory, Start and Wanted what its
	// GPUs need for the server to start, and for what is wanted. Nil if nothing fits.
	Smallest    *planOption `json:"smallest,omitempty"`
	StartBytes  int64       `json:"startBytes,omitempty"`
	WantedBytes int64       `json:"wantedBytes,omitempty"`

	// Options are all that were looked at: those that fit first, the cheapest of them
	// first; prices that are not known come last.
	Options []*planOption `json:"options"`
	// Unknown is what a pod does not settle: the answer is for the value that is stated,
	// or the engine's default, and need not hold when the pod runs.
	Unknown []planUnknown `json:"unknown,omitempty"`
	// Notes are facts that qualify the answer.
	Notes []string `json:"notes,omitempty"`

	launch memory.Launch
	demand memory.Demand
}

// planUnknown is a setting, by its name in package launch.
type planUnknown struct {
	Field   string `json:"field"`
	Because string `json:"because"`
}

// answerFor looks at every offer.
func answerFor(a *asked, offers []planOffer) (*planAnswer, error) {
	m := a.model
	answer := &planAnswer{
		Object: a.where, Model: m.Name, Kind: m.Kind.String(), Parameters: m.Parameters(), WeightBytes: int64(m.Loaded()),
		Quantisation: m.Quantisation, Engine: string(a.launch.Engine), EngineVersion: a.launch.Version.String(),
		Unknown: a.unknown, Notes: slices.Concat(a.found.notes, a.notes), launch: a.launch, demand: a.demand,
	}
	single := a.launch
	single.TensorParallel, single.PipelineParallel, single.StageLayers = 1, 1, nil
	if server, err := memory.NewServer(m, single); err == nil {
		answer.KVBytesPerToken = int64(server.KVPerToken())
	}
	var failure error
	for i := range offers {
		for _, option := range options(a, &offers[i]) {
			answer.Options = append(answer.Options, option)
			failure = cmp.Or(failure, option.err)
		}
	}
	slices.SortStableFunc(answer.Options, inOrder)
	answer.settings(a)
	if failure != nil && !slices.ContainsFunc(answer.Options, func(o *planOption) bool { return o.err == nil }) {
		var many *memory.TooManyGPUs
		if !errors.As(failure, &many) {
			return nil, fmt.Errorf("%s: %w", answer.title(), inFlags(failure))
		}
	}
	if answer.Smallest = answer.smallest(); answer.Smallest != nil {
		need := answer.Smallest.estimate.Need()
		answer.StartBytes, answer.WantedBytes = int64(need.Start), int64(need.Wanted)
	}
	answer.hint(a)
	if answer.Smallest == nil {
		answer.Notes = append(answer.Notes, answer.shorter(a)...)
	}
	for _, profile := range a.profiles {
		answer.Notes = append(answer.Notes, answer.profileNote(profile))
	}
	return answer, nil
}

// settings are what was asked for with defaults filled in, which engines choose
// alike for all GPUs.
func (a *planAnswer) settings(from *asked) {
	a.MaxModelLen = cmp.Or(from.launch.MaxModelLen, from.model.MaxPositions)
	a.Context = a.MaxModelLen
	if from.demand.Context > 0 {
		a.Context = min(a.Context, from.demand.Context)
	}
	a.Concurrency = max(1, from.demand.Requests)
}
