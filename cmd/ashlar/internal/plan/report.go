package plan

import (
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// PlanReport is what -o json and yaml print: its form is stable.
type PlanReport struct {
	Plans []*serverReport `json:"plans"`
	// Training are the answers for the training jobs of a manifest.
	Training []*trainingReport `json:"training,omitempty"`
}

// addTraining adds the answers for training jobs.
func (r *PlanReport) addTraining(answers []*trainingAnswer) *PlanReport {
	for _, answer := range answers {
		r.Training = append(r.Training, answer.newTrainingReport())
	}
	return r
}

// serverReport is the answer for one model server.
type serverReport struct {
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

	// Replicas is how many of the server a manifest asks for, the most between which it scales; left out
	// if it does not say.
	Replicas int64 `json:"replicas,omitempty"`

	Engine        string `json:"engine"`
	EngineVersion string `json:"engineVersion"`
	MaxModelLen   int64  `json:"maxModelLen"`
	Context       int64  `json:"context"`
	Concurrency   int64  `json:"concurrency"`

	// Smallest is the option that fits with the least memory, Start and Wanted what its
	// GPUs need for the server to start, and for what is wanted. Nil if nothing fits.
	Smallest    *optionReport `json:"smallest,omitempty"`
	StartBytes  int64         `json:"startBytes,omitempty"`
	WantedBytes int64         `json:"wantedBytes,omitempty"`

	// Options are all that were looked at: those that fit first, the cheapest of them
	// first; prices that are not known come last.
	Options []*optionReport `json:"options"`
	// Refusal says why the engine starts with the model on no GPU at all.
	Refusal string `json:"refusal,omitempty"`
	// Remedies make the server fit some GPU, where no GPU was named and it fits none.
	Remedies []remedyReport `json:"remedies,omitempty"`
	// Unknown is what a pod does not settle: the answer is for the value that is stated,
	// or the engine's default, and need not hold when the pod runs.
	Unknown []unknownSetting `json:"unknown,omitempty"`
	// Notes are facts that qualify the answer.
	Notes []string `json:"notes,omitempty"`
	// HostNotes are what stops or slows the server of a pod beside its GPUs.
	HostNotes []hostNoteReport `json:"hostNotes,omitempty"`
}

// optionReport is one way to run the server.
type optionReport struct {
	GPU     string `json:"gpu"`
	Product string `json:"product"`
	// Form is whole, mig or share.
	Form    memoryplan.Form `json:"form"`
	Profile string          `json:"profile,omitempty"`
	// ShareBytes and ShareUtilisation are the memory to ask for, and the share of the
	// GPU that the engine must be told to take, where others use the rest.
	ShareBytes       int64   `json:"shareBytes,omitempty"`
	ShareUtilisation float64 `json:"shareUtilisation,omitempty"`

	GPUs           int64 `json:"gpus"`
	TensorParallel int64 `json:"tensorParallel"`

	// Bytes are for each GPU.
	TotalBytes      int64 `json:"totalBytes"`
	WeightBytes     int64 `json:"weightBytes"`
	ActivationBytes int64 `json:"activationBytes"`
	// Tried is what is sent through a model's towers before memory is measured.
	Tried         string `json:"tried,omitempty"`
	GraphBytes    int64  `json:"graphBytes"`
	OtherBytes    int64  `json:"otherBytes"`
	KVBytes       int64  `json:"kvBytes"`
	WantedKVBytes int64  `json:"wantedKVBytes"`
	MarginBytes   int64  `json:"marginBytes"`
	// Compared is what stands behind the margin.
	Compared        *comparedReport `json:"compared,omitempty"`
	KVBytesPerToken int64           `json:"kvBytesPerToken"`

	LongestContext int64 `json:"longestContext"`
	Concurrency    int64 `json:"concurrency"`

	// MicroDollars is the cost of an hour, nil if unknown.
	MicroDollars *int64 `json:"microDollarsPerHour,omitempty"`

	// EnoughGPUs would do where the one that --gpu names does not.
	EnoughGPUs           int64 `json:"enoughGPUs,omitempty"`
	EnoughTensorParallel int64 `json:"enoughTensorParallel,omitempty"`
	// FewerGPUs would do for requests of up to FewerMaxModelLen tokens.
	FewerGPUs        int64 `json:"fewerGPUs,omitempty"`
	FewerMaxModelLen int64 `json:"fewerMaxModelLen,omitempty"`

	// AsFloat16 says that the GPU lacks the model's bfloat16, and that the engine converts it
	// to float16 by itself; StateFloat16, that it only starts with --dtype float16.
	AsFloat16    bool `json:"asFloat16,omitempty"`
	StateFloat16 bool `json:"stateFloat16,omitempty"`

	// Remedies make the server fit, for a GPU of --gpu that it does not fit.
	Remedies []remedyReport `json:"remedies,omitempty"`

	Fits bool `json:"fits"`
	// Close says that the answer lies within the margin of the estimate.
	Close  bool   `json:"close"`
	Reason string `json:"reason,omitempty"`
	// Arithmetic is the reason in full.
	Arithmetic string `json:"arithmetic,omitempty"`
}

// comparedReport is what stands behind a margin: how many start-up logs of servers like it, and by how much the worst of
// them was off.
type comparedReport struct {
	Kind        string `json:"kind"`
	Releases    string `json:"releases,omitempty"`
	Logs        int64  `json:"logs"`
	OtherLogs   int64  `json:"otherLogs,omitempty"`
	OffBytes    int64  `json:"offBytes,omitempty"`
	Unaccounted bool   `json:"unaccounted,omitempty"`
}

func newReport(answers []*serverAnswer) *PlanReport {
	report := &PlanReport{Plans: []*serverReport{}}
	for _, answer := range answers {
		report.Plans = append(report.Plans, answer.newServerReport())
	}
	return report
}

func (a *serverAnswer) newServerReport() *serverReport {
	m, l := a.Request.Model, &a.Request.Launch
	report := &serverReport{
		Object: a.question.where, Model: m.Name, Kind: m.Kind.String(), Parameters: m.Parameters(), WeightBytes: int64(m.Loaded()),
		KVBytesPerToken: int64(a.KVPerToken), Quantisation: m.Quantisation,
		Engine: string(l.Engine), EngineVersion: l.Version.String(),
		Replicas:    a.question.replicas,
		MaxModelLen: a.MaxModelLen, Context: a.Context, Concurrency: a.Concurrency,
		Refusal: a.Refusal, Remedies: a.newRemedyReports(a.cheapest), Unknown: a.question.unknown, Notes: a.notes,
		HostNotes: newHostNoteReports(a.question.host),
	}
	for _, option := range a.Options {
		one := newOptionReport(option)
		one.Remedies = a.newRemedyReports(a.remedies[option])
		report.Options = append(report.Options, one)
	}
	if a.Smallest != nil {
		need := a.Smallest.Estimate.Need()
		report.Smallest, report.StartBytes, report.WantedBytes = newOptionReport(a.Smallest), int64(need.Start), int64(need.Wanted)
	}
	return report
}

func newOptionReport(o *memoryplan.Option) *optionReport {
	report := &optionReport{
		GPU: o.Offer.Model, Product: o.Offer.Hardware.Product, Form: o.Form, Profile: o.Offer.Profile,
		ShareBytes: int64(o.Share.Memory), ShareUtilisation: o.Share.Utilisation,
		GPUs: o.GPUs, TensorParallel: o.TensorParallel, TotalBytes: int64(o.Offer.GPU.Total),
		EnoughGPUs: o.EnoughGPUs, EnoughTensorParallel: o.EnoughTensorParallel,
		FewerGPUs: o.FewerGPUs, FewerMaxModelLen: o.FewerMaxModelLen,
		AsFloat16: o.AsFloat16, StateFloat16: o.StateFloat16, Fits: o.Fits, Close: o.Close, Reason: o.Reason, Arithmetic: explainOption(o),
	}
	if o.Cost != nil {
		cost := int64(*o.Cost)
		report.MicroDollars = &cost
	}
	if o.Err != nil {
		return report // there is no account
	}
	e := &o.Estimate
	report.WeightBytes, report.ActivationBytes, report.GraphBytes = int64(e.WeightBytes()), int64(e.Activations), int64(e.Graphs)
	report.OtherBytes, report.KVBytes, report.WantedKVBytes = int64(e.Other), int64(e.KV), int64(e.Wanted)
	report.Tried = e.Tried
	report.MarginBytes, report.KVBytesPerToken = int64(e.Margin), int64(e.KVPerToken)
	report.LongestContext, report.Concurrency = e.LongestContext, e.Concurrency
	c := &e.Compared
	report.Compared = &comparedReport{Kind: c.Kind, Releases: c.Releases, Logs: c.Logs, OtherLogs: c.Others, OffBytes: int64(c.Off),
		Unaccounted: c.Unaccounted}
	return report
}
