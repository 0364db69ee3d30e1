package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// judgeObservations compares what servers logged with what is estimated for them.
func judgeObservations(l *library, rows []row) *table {
	t := &table{columns: []string{"id", "model", "gpu", "version", "predicted_weights_gib", "logged_weights_gib", "weights_error_pct",
		"predicted_kv_gib", "logged_kv_gib", "kv_error_gib", "kv_error_pct", "margin_gib",
		"predicted_kv_tokens", "logged_kv_tokens", "tokens_error_pct", "predicted_outcome", "logged_outcome", "agrees", "because"}}
	for _, in := range rows {
		out := row{"id": in["id"], "model": in["model"], "gpu": in["gpu"], "version": in["version"],
			"logged_weights_gib": in["weights_gib_per_gpu"], "logged_kv_gib": in["kv_gib"], "logged_kv_tokens": in["kv_tokens"], "logged_outcome": in["outcome"]}
		t.rows = append(t.rows, out)
		if err := judge(l, in, out); err != nil {
			out["because"] = "unknown: " + err.Error()
		}
	}
	return t
}

func judge(l *library, in, out row) error {
	b := l.find(in["model"])
	if b.err != nil {
		return b.err
	}
	m, err := b.quantisedAs(in["quant"])
	if err != nil {
		return err
	}
	launch := launchOf(in)
	server, err := memory.NewServer(m, launch)
	if err != nil {
		return err
	}
	gpu, gpuErr := gpuOf(in)
	if logged := in.number("kv_gib"); logged > 0 && in["kv_tokens"] != "" {
		// What the logged memory holds does not depend on how it was arrived at.
		given := launch
		given.KVMemory = topology.Bytes(logged * float64(topology.GiB))
		if holding, err := memory.NewServer(m, given); err == nil {
			e := holding.On(gpu, memory.Demand{})
			out["predicted_kv_tokens"] = strconv.FormatInt(e.KVTokens, 10)
			out["tokens_error_pct"] = percentOff(float64(e.KVTokens), in.number("kv_tokens"))
		}
	}
	if gpuErr != nil {
		return gpuErr
	}
	e := server.On(gpu, memory.Demand{})
	out["predicted_weights_gib"] = gib(e.WeightBytes())
	out["weights_error_pct"] = percentOff(float64(e.WeightBytes())/float64(topology.GiB), in.number("weights_gib_per_gpu"))
	if strings.Contains(in["engine"], "V0") {
		return errors.New("vLLM's V0 engine counts otherwise; only weights and tokens are compared")
	}
	if !strings.HasPrefix(in["engine"], "vLLM") || strings.Contains(in["engine"], "TPU") {
		return fmt.Errorf("engine %q is not one whose logs are compared", in["engine"])
	}
	out["predicted_kv_gib"], out["margin_gib"] = gib(e.KV), gib(e.Margin)
	if in["kv_gib"] != "" {
		out["kv_error_gib"] = fmt.Sprintf("%.2f", float64(e.KV)/float64(topology.GiB)-in.number("kv_gib"))
		out["kv_error_pct"] = percentOff(float64(e.KV)/float64(topology.GiB), in.number("kv_gib"))
	}
	out["predicted_outcome"] = "ok"
	if e.Outcome() != memory.Starts {
		out["predicted_outcome"] = "fail"
		out["because"] = e.Explain()
	}
	if in["outcome"] == "ok" || in["outcome"] == "fail" {
		out["agrees"] = strconv.FormatBool(in["outcome"] == out["predicted_outcome"])
	}
	return contradiction(in, gpu, &e, out)
}

// contradiction reports logs of which the parts do not add up to the utilisation
// that the row states: the row then cannot be what was run.
func contradiction(in row, gpu memory.GPU, e *memory.Estimate, out row) error {
	for _, column := range []string{"weights_gib_per_gpu", "non_torch_gib", "activation_gib", "kv_gib"} {
		if in[column] == "" {
			return nil
		}
	}
	sum := in.number("weights_gib_per_gpu") + in.number("non_torch_gib") + in.number("activation_gib") + in.number("kv_gib")
	total := float64(gpu.Total) / float64(topology.GiB)
	if share := sum / total; share > e.Utilisation+0.02 {
		out["agrees"] = ""
		return fmt.Errorf("the row contradicts itself: its logged parts add up to %.2f of the GPU, and it states a utilisation of %.2f", share, e.Utilisation)
	}
	return nil
}

func gib(b topology.Bytes) string {
	return fmt.Sprintf("%.2f", float64(b)/float64(topology.GiB))
}

// unstated is taken for a version that a row does not state: the middle of those whose
// logs are compared.
var unstated = memory.Version{Minor: 21}

func launchOf(in row) memory.Launch {
	launch := memory.Launch{
		Engine:           memory.VLLM,
		TensorParallel:   in.integer("tp"),
		PipelineParallel: in.integer("pp"),
		MaxModelLen:      in.integer("max_model_len"),
		MaxSequences:     in.integer("max_num_seqs"),
		MaxBatchedTokens: in.integer("max_num_batched_tokens"),
		BlockSize:        in.integer("block_size"),
		Utilisation:      in.number("gpu_mem_util"),
		Eager:            strings.EqualFold(in["enforce_eager"], "true"),
		Library:          strings.Contains(in["engine"], "LLM class"),
	}
	switch kv := strings.ToLower(in["kv_dtype"]); {
	case strings.HasPrefix(kv, "fp8"):
		launch.KVFormat = memory.KVFP8
	case strings.Contains(kv, "int8"):
		launch.KVFormat = memory.KVFP8Head
	}
	launch.Version = unstated
	if words := strings.Fields(in["version"]); len(words) > 0 {
		if v, err := memory.ParseVersion(words[0]); err == nil {
			launch.Version = v
		}
	}
	return launch
}

var mebibytes = regexp.MustCompile(`(\d{4,6}) ?MiB`)

// gpuOf is the GPU of a row, by its total memory as logged or as the catalogue has it.
func gpuOf(in row) (memory.GPU, error) {
	name := in["gpu"]
	found := catalogueGPU(name)
	if total := in.number("gpu_total_gib_torch"); total > 0 {
		gpu := memory.GPU{Name: name, Total: topology.Bytes(total * float64(topology.GiB))}
		if found != nil {
			gpu.Compute = found.Compute
		}
		return gpu, nil
	}
	if found != nil {
		return memory.Whole(found), nil
	}
	if match := mebibytes.FindStringSubmatch(name); match != nil {
		mib, _ := strconv.ParseInt(match[1], 10, 64)
		return memory.GPU{Name: name, Total: topology.Bytes(mib)*topology.MiB - 500*topology.MiB}, nil
	}
	if name == "" {
		return memory.GPU{}, errors.New("the row names no GPU")
	}
	return memory.GPU{}, fmt.Errorf("GPU %q is not in the catalogue, and the row has no gpu_total_gib_torch", name)
}

var (
	remark  = regexp.MustCompile(`\(.*?\)|\b\d+ ?Mi?B\b`)
	nominal = regexp.MustCompile(`(?i)\b(\d+) ?GB?\b`)
)

// catalogueGPU finds the GPU that a name such as "H100-80GB" or "RTX 4090" stands for:
// the smallest whose key has all of the name's words, its memory aside.
func catalogueGPU(name string) *topology.Model {
	name = remark.ReplaceAllString(strings.Split(name, " + ")[0], "")
	gigabytes := int64(0)
	if match := nominal.FindStringSubmatch(name); match != nil {
		gigabytes, _ = strconv.ParseInt(match[1], 10, 64)
		name = nominal.ReplaceAllString(name, "")
	}
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune(" -_/,", r) })
	var best *topology.Model
	for _, m := range gpus.Models() {
		parts := strings.FieldsFunc(strings.ToLower(m.Name+" "+m.Product), func(r rune) bool { return strings.ContainsRune(" -", r) })
		matches := len(words) > 0
		for _, word := range words {
			if !decorations[word] && !slices.Contains(parts, word) {
				matches = false
			}
		}
		near := gigabytes == 0 || int64(m.Memory/topology.GiB) >= gigabytes*9/10 && int64(m.Memory/topology.GiB) <= gigabytes*11/10
		if matches && near && (best == nil || m.Memory < best.Memory) {
			best = m
		}
	}
	return best
}

// decorations are words of names that do not tell GPUs apart.
var decorations = map[string]bool{"nvidia": true, "tesla": true, "geforce": true, "d": true, "hami": true, "slice": true, "blackwell": true, "class": true}

var gpus = mustLoad()

func mustLoad() *catalogue.Catalogue {
	c, err := catalogue.Load()
	if err != nil {
		panic(err) // embedded and tested
	}
	return c
}
