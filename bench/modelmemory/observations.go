package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// judgeObservations compares what servers logged with what is estimated for them.
func judgeObservations(l *modelLibrary, rows []csvRow) *resultTable {
	t := &resultTable{
		columns: []string{"id", "model", "kind", "gpu", "version", "releases", "predicted_weights_gib", "logged_weights_gib", "weights_error_pct",
			"predicted_kv_gib", "logged_kv_gib", "kv_error_gib", "kv_error_pct", "margin_gib",
			"predicted_kv_tokens", "logged_kv_tokens", "tokens_error_pct", "predicted_outcome", "logged_outcome", "agrees", "because"},
	}
	for _, in := range rows {
		out := csvRow{"id": in["id"], "model": in["model"], "gpu": in["gpu"], "version": in["version"],
			"logged_weights_gib": in["weights_gib_per_gpu"], "logged_kv_gib": in["kv_gib"], "logged_kv_tokens": in["kv_tokens"],
			"logged_outcome": outcomeOf(in["outcome"])}
		t.rows = append(t.rows, out)
		if err := judgeRow(l, in, out); err != nil {
			out["because"] = "unknown: " + err.Error()
			out["agrees"] = ""
		}
	}
	return t
}

func judgeRow(l *modelLibrary, in, out csvRow) error {
	if err := in.whyUnreadable(); err != nil {
		return err
	}
	b := l.findModel(in["model"], in["quant"])
	if b.err != nil {
		return b.err
	}
	m := b.model
	launch, err := launchOf(in)
	if err != nil {
		return err
	}
	server, err := memory.NewServer(m, launch)
	if err != nil && m.ActiveExperts > 0 && in.numberAt("weights_gib_per_gpu")+in.numberAt("kv_gib") > 0 {
		// It was loaded, so that its experts cannot have been divided.
		whole := launch
		whole.ExpertParallel = true
		if other, otherwise := memory.NewServer(m, whole); otherwise == nil {
			server, launch, err = other, whole, nil
			b.assumed = strings.TrimPrefix(b.assumed+"; --enable-expert-parallel, as the experts do not divide by tp", "; ")
		}
	}
	if err != nil && strings.HasPrefix(err.Error(), "TensorParallel is ") && whyNotCompared(in) == nil {
		out["predicted_outcome"], out["because"] = "fail", err.Error()
		out.compareOutcomes()
		return nil
	}
	if err != nil {
		return err
	}
	gpu, gpuErr := gpuOf(in)
	if logged := in.numberAt("kv_gib"); logged > 0 && in["kv_tokens"] != "" {
		// What the logged memory holds does not depend on how it was arrived at.
		given := launch
		given.KVMemory = topology.Bytes(logged * float64(topology.GiB))
		if holding, err := memory.NewServer(m, given); err == nil {
			e := holding.On(gpu, memory.Demand{})
			out["predicted_kv_tokens"] = strconv.FormatInt(e.KVTokens, 10)
			out["tokens_error_pct"] = percentOff(float64(e.KVTokens), in.numberAt("kv_tokens"))
		}
	}
	if gpuErr != nil {
		return gpuErr
	}
	e := server.On(gpu, memory.Demand{})
	out["predicted_weights_gib"] = inGiB(e.WeightBytes())
	out["weights_error_pct"] = percentOff(float64(e.WeightBytes())/float64(topology.GiB), in.numberAt("weights_gib_per_gpu"))
	out["kind"], out["releases"] = e.Compared.Kind, e.Compared.Releases
	if _, stated := releaseOf(in["version"]); !stated {
		out["releases"] = "not stated"
	}
	if err := whyNotCompared(in); err != nil {
		out["releases"] = "V0"
		return err
	}
	out["predicted_kv_gib"], out["margin_gib"] = inGiB(e.KV), inGiB(e.Margin)
	if in.numberAt("kv_gib") != 0 {
		out["kv_error_gib"] = fmt.Sprintf("%.2f", float64(e.KV)/float64(topology.GiB)-in.numberAt("kv_gib"))
		out["kv_error_pct"] = percentOff(float64(e.KV)/float64(topology.GiB), in.numberAt("kv_gib"))
	}
	out["predicted_outcome"] = "ok"
	if e.Outcome() != memory.OutcomeStarts {
		out["predicted_outcome"] = "fail"
		out["because"] = e.Explain()
	}
	out.compareOutcomes()
	if b.assumed != "" {
		out["because"] = strings.TrimSuffix("assumed: "+b.assumed+"; "+out["because"], "; ")
	}
	return findContradiction(in, gpu, &e, out)
}

// compareOutcomes says whether the outcome is as predicted, where the log has one.
func (r csvRow) compareOutcomes() {
	if logged := r["logged_outcome"]; logged == "ok" || logged == "fail" {
		r["agrees"] = strconv.FormatBool(logged == r["predicted_outcome"])
	}
}

// findContradiction reports logs of which the parts do not add up to the utilisation
// that the row states: the row then cannot be what was run.
func findContradiction(in csvRow, gpu memory.GPU, e *memory.Estimate, out csvRow) error {
	for _, column := range []string{"weights_gib_per_gpu", "non_torch_gib", "activation_gib", "kv_gib"} {
		if in[column] == "" {
			return nil
		}
	}
	sum := in.numberAt("weights_gib_per_gpu") + in.numberAt("non_torch_gib") + in.numberAt("activation_gib") + in.numberAt("kv_gib")
	total := float64(gpu.Total) / float64(topology.GiB)
	if share := sum / total; share > e.Utilisation+0.02 {
		out["agrees"] = ""
		return fmt.Errorf(
			"the row contradicts itself: its logged parts add up to %.2f of the GPU, and it states a utilisation of %.2f",
			share, e.Utilisation)
	}
	return nil
}

func inGiB(b topology.Bytes) string {
	return fmt.Sprintf("%.2f", float64(b)/float64(topology.GiB))
}

// unstated is taken for a version that a row does not state: the middle of those whose
// logs are compared.
var unstated = memory.Version{Minor: 21}

// launchOf is how the row's server was started. Without tp, it is on as many GPUs as the
// GPU's cell names.
func launchOf(in csvRow) (memory.Launch, error) {
	launch := memory.Launch{
		Engine:           memory.VLLM,
		TensorParallel:   in.integerAt("tp"),
		PipelineParallel: in.integerAt("pp"),
		MaxModelLen:      in.integerAt("max_model_len"),
		MaxSequences:     in.integerAt("max_num_seqs"),
		MaxBatchedTokens: in.integerAt("max_num_batched_tokens"),
		BlockSize:        in.integerAt("block_size"),
		Utilisation:      in.numberAt("gpu_mem_util"),
		Eager:            readTruth(in["enforce_eager"]),
		Library:          strings.Contains(strings.ToLower(in["engine"]), "llm class"),
	}
	if count := gpuCount(in["gpu"]); launch.TensorParallel == 0 && launch.PipelineParallel <= 1 && in["n_gpus"] == "" {
		launch.TensorParallel = count
	}
	if text := strings.ToLower(in["max_model_len"]); text == "auto" || text == "-1" {
		launch.MaxModelLen, launch.FitModelLen = 0, true
	}
	if launch.Utilisation > 1 && launch.Utilisation <= 100 { // in percent
		launch.Utilisation /= 100
	}
	if schemeOf(in["weights_dtype"]).method == plain32 {
		launch.Dtype = "float32"
	}
	var err error
	if launch.KVFormat, err = kvFormatOf(in["kv_dtype"]); err != nil {
		return launch, err
	}
	launch.Version = unstated
	if v, stated := releaseOf(in["version"]); stated {
		launch.Version = v
	}
	return launch, nil
}
