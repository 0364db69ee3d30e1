package plan

import "github.com/ashlar-dev/ashlar/topology/memory/training"

// trainingReport is what -o json and yaml print of --train: its form is stable.
type trainingReport struct {
	// Object is what a manifest calls the job, and Runs what it starts.
	Object     string `json:"object,omitempty"`
	Runs       string `json:"runs,omitempty"`
	Model      string `json:"model"`
	Parameters int64  `json:"parameters"`
	// Trained is how many of them, or of adapters beside them, are updated.
	Trained        int64  `json:"trained"`
	Optimizer      string `json:"optimizer"`
	Precision      string `json:"precision"`
	Batch          int64  `json:"batch"`
	SequenceLength int64  `json:"sequenceLength"`
	Accumulation   int64  `json:"accumulation,omitempty"`
	// Checkpointing says that something is computed again, Recomputed what: attention, selective or full.
	Checkpointing  bool   `json:"checkpointing"`
	Recomputed     string `json:"recomputed,omitempty"`
	EagerAttention bool   `json:"eagerAttention,omitempty"`
	Dropout        bool   `json:"dropout,omitempty"`
	Loss           string `json:"loss,omitempty"`
	Sharding       string `json:"sharding"`
	Offload        string `json:"offload,omitempty"`
	// TensorParallel and the rest are degrees, left out where they are 1.
	TensorParallel   int64  `json:"tensorParallel,omitempty"`
	PipelineParallel int64  `json:"pipelineParallel,omitempty"`
	ContextParallel  int64  `json:"contextParallel,omitempty"`
	AdapterRank      int64  `json:"adapterRank,omitempty"`
	AdapterTargets   string `json:"adapterTargets,omitempty"`
	QuantisedBase    bool   `json:"quantisedBase,omitempty"`
	// Account is for the GPUs that --shards states, or for one.
	Account trainingAccountReport `json:"account"`
	// Options are the GPUs that were looked at: those that fit first, the cheapest of them
	// first; prices that are not known come last.
	Options []trainingOptionReport `json:"options"`
	// Unknown is what a pod does not settle: the answer is for the value that is stated here.
	Unknown []unknownSetting `json:"unknown,omitempty"`
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
	// CastBytes are the 16-bit copies under torch.autocast, BucketBytes what is sent between GPUs at once.
	CastBytes     int64 `json:"castBytes,omitempty"`
	BucketBytes   int64 `json:"bucketBytes,omitempty"`
	GatheredBytes int64 `json:"gatheredBytes"`
	// ActivationBytes are those of the peak; the other two those without and with
	// checkpointing.
	ActivationBytes             int64 `json:"activationBytes"`
	KeptActivationBytes         int64 `json:"keptActivationBytes"`
	CheckpointedActivationBytes int64 `json:"checkpointedActivationBytes"`
	LossBytes                   int64 `json:"lossBytes"`
	LibraryBytes                int64 `json:"libraryBytes"`
	// HostBytes is what stands in host memory, for each GPU.
	HostBytes int64 `json:"hostBytes,omitempty"`
	// PeakBytes counts gradients beside activations only where KeepsGradients says so: otherwise
	// the larger of the two.
	KeepsGradients bool  `json:"keepsGradients"`
	PeakBytes      int64 `json:"peakBytes"`
	MarginBytes    int64 `json:"marginBytes"`
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
		GPUs: a.Settings.GPUCount(), WeightBytes: int64(a.Weights), GradientBytes: int64(a.Gradients), MomentBytes: int64(a.Moments),
		MasterBytes: int64(a.Master), GatheredBytes: int64(a.Gathered), ActivationBytes: int64(a.Activations),
		KeptActivationBytes: int64(a.Kept), CheckpointedActivationBytes: int64(a.Checkpointed), LossBytes: int64(a.Loss),
		LibraryBytes: int64(a.Libraries), CastBytes: int64(a.Casts), BucketBytes: int64(a.Buckets), HostBytes: int64(a.Host),
		KeepsGradients: a.KeepsGradients(), PeakBytes: int64(a.Total()), MarginBytes: int64(a.Margin()),
	}
}

func (a *trainingAnswer) newTrainingReport() *trainingReport {
	s := &a.account.Settings
	report := &trainingReport{
		Object: a.where, Runs: a.runs, Unknown: a.unknown,
		Model: a.model.Name, Parameters: a.account.Parameters, Trained: a.account.Trained, Optimizer: string(s.Optimizer),
		Precision: string(s.Precision), Batch: s.Batch, SequenceLength: s.SequenceLength, Accumulation: s.Accumulation,
		Checkpointing: s.Recompute != training.KeepAll, Recomputed: string(s.Recompute), EagerAttention: s.EagerAttention, Dropout: s.Dropout,
		Loss: string(s.Loss), Offload: string(s.Offload), TensorParallel: s.TensorParallel, PipelineParallel: s.PipelineParallel,
		ContextParallel: s.ContextParallel, AdapterRank: s.AdapterRank, AdapterTargets: s.AdapterTargets, QuantisedBase: s.QuantisedBase,
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
