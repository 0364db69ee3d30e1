package plan

import "github.com/ashlar-dev/ashlar/topology/memory/training"

// trainingReport is what -o json and yaml print of --train: its form is stable.
type trainingReport struct {
	Model      string `json:"model"`
	Parameters int64  `json:"parameters"`
	// Trained is how many of them, or of adapters beside them, are updated.
	Trained        int64  `json:"trained"`
	Optimizer      string `json:"optimizer"`
	Precision      string `json:"precision"`
	Batch          int64  `json:"batch"`
	SequenceLength int64  `json:"sequenceLength"`
	Checkpointing  bool   `json:"checkpointing"`
	Sharding       string `json:"sharding"`
	// Account is for the GPUs that --shards states, or for one.
	Account trainingAccountReport `json:"account"`
	// Options are the GPUs that were looked at: those that fit first, the cheapest of them
	// first; prices that are not known come last.
	Options []trainingOptionReport `json:"options"`
	// Notes are facts that qualify the answer.
	Notes []string `json:"notes,omitempty"`
}

// trainingAccountReport is what each GPU holds, in bytes.
type trainingAccountReport struct {
	GPUs          int64 `json:"gpus"`
	WeightBytes   int64 `json:"weightBytes"`
	GradientBytes int64 `json:"gradientBytes"`
	MomentBytes   int64 `json:"momentBytes"`
	MasterBytes   int64 `json:"masterBytes"`
	GatheredBytes int64 `json:"gatheredBytes"`
	// ActivationBytes are those of the peak; the other two those without and with
	// checkpointing.
	ActivationBytes             int64 `json:"activationBytes"`
	KeptActivationBytes         int64 `json:"keptActivationBytes"`
	CheckpointedActivationBytes int64 `json:"checkpointedActivationBytes"`
	LossBytes                   int64 `json:"lossBytes"`
	LibraryBytes                int64 `json:"libraryBytes"`
	PeakBytes                   int64 `json:"peakBytes"`
	MarginBytes                 int64 `json:"marginBytes"`
}

// trainingOptionReport is one kind of GPU.
type trainingOptionReport struct {
	GPU        string                `json:"gpu"`
	Product    string                `json:"product"`
	Profile    string                `json:"profile,omitempty"`
	TotalBytes int64                 `json:"totalBytes"`
	Account    trainingAccountReport `json:"account"`
	// MicroDollars is the cost of an hour on all GPUs, nil if unknown.
	MicroDollars *int64 `json:"microDollarsPerHour,omitempty"`
	Fits         bool   `json:"fits"`
	// Close says that the answer lies within the margin.
	Close bool `json:"close"`
}

func newTrainingAccountReport(a *training.Account) trainingAccountReport {
	return trainingAccountReport{
		GPUs: a.Settings.Shards, WeightBytes: int64(a.Weights), GradientBytes: int64(a.Gradients), MomentBytes: int64(a.Moments),
		MasterBytes: int64(a.Master), GatheredBytes: int64(a.Gathered), ActivationBytes: int64(a.Activations),
		KeptActivationBytes: int64(a.Kept), CheckpointedActivationBytes: int64(a.Checkpointed), LossBytes: int64(a.Loss),
		LibraryBytes: int64(a.Libraries), PeakBytes: int64(a.Total()), MarginBytes: int64(a.Margin()),
	}
}

func (a *trainingAnswer) newTrainingReport() *trainingReport {
	s := &a.account.Settings
	report := &trainingReport{
		Model: a.model.Name, Parameters: a.account.Parameters, Trained: a.account.Trained, Optimizer: string(s.Optimizer),
		Precision: string(s.Precision), Batch: s.Batch, SequenceLength: s.SequenceLength, Checkpointing: s.Checkpointing,
		Sharding: s.Stage.String(), Account: newTrainingAccountReport(a.account), Notes: a.notes, Options: []trainingOptionReport{},
	}
	for i := range a.options {
		o := &a.options[i]
		one := trainingOptionReport{
			GPU: o.offer.Model, Product: o.offer.Hardware.Product, Profile: o.offer.Profile, TotalBytes: int64(o.offer.GPU.Total),
			Account: newTrainingAccountReport(o.account), Fits: o.fit != training.FitsNot, Close: o.fit == training.FitsClosely,
		}
		if o.offer.Priced {
			cost := int64(o.hourlyCost())
			one.MicroDollars = &cost
		}
		report.Options = append(report.Options, one)
	}
	return report
}
