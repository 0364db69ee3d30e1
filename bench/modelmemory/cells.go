package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// readTruth reads a cell that says yes or no.
func readTruth(cell string) bool {
	return slices.Contains([]string{"true", "yes", "y", "1", "on"}, strings.ToLower(cell))
}

var (
	failed = regexp.MustCompile(`(?i)\b(fail\w*|oom|out.of.memory|err(or)?s?|crash\w*|refused|killed|abort\w*|not start\w*|no)\b`)
	// succeeded is looked for after failed: "not started".
	succeeded = regexp.MustCompile(`(?i)\b(ok|okay|success\w*|succeed\w*|start(s|ed)?|pass(ed|es)?|runs?|running|` +
		`serv(es|ing|ed)|loaded|fits?|yes)\b`)
	leading = regexp.MustCompile(`^\W*(\w+)`)
)

// outcomeOf is a cell's outcome as "ok" or "fail", and in its own words where it is
// neither. The first word counts most: "ok (an earlier try went OOM)".
func outcomeOf(cell string) string {
	if match := leading.FindString(cell); succeeded.MatchString(match) {
		return "ok"
	}
	switch {
	case failed.MatchString(cell):
		return "fail"
	case succeeded.MatchString(cell):
		return "ok"
	}
	return cell
}

var releaseWord = regexp.MustCompile(`\d+\.\d+(\.\d+)?`)

// releaseOf is the release in a cell such as "~0.9/0.10" or "v0.11.0 (from the log)".
func releaseOf(cell string) (memory.Version, bool) {
	v, err := memory.ParseVersion(releaseWord.FindString(cell))
	return v, err == nil
}

// whyNotCompared reports why the engine's logs are not compared, nil if they are.
func whyNotCompared(in csvRow) error {
	engine := strings.ToLower(in["engine"])
	version, stated := releaseOf(in["version"])
	switch {
	case strings.Contains(engine, "v0"):
		return fmt.Errorf("vLLM's V0 engine counts otherwise; only weights and tokens are compared")
	case engine != "" && !strings.HasPrefix(engine, "vllm"), strings.Contains(engine, "tpu"):
		return fmt.Errorf("engine %q is not one whose logs are compared", in["engine"])
	case !strings.Contains(engine, "v1") && stated && version.Before(0, 10):
		return fmt.Errorf("vLLM before 0.10 may have run its V0 engine, which counts otherwise; only weights and tokens are compared")
	}
	return nil
}

// kvFormatOf reads how the KV cache is stored.
func kvFormatOf(cell string) (memory.KVFormat, error) {
	kv := strings.ToLower(cell)
	prefixed := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(kv, prefix) })
	}
	switch {
	case prefixed("fp8_ds_mla"):
		return memory.KVFP8MLA, nil
	case prefixed("nvfp4", "fp4"):
		return memory.KVNVFP4, nil
	case prefixed("int4"):
		return memory.KVINT4, nil
	case prefixed("int8", "fp8_per_token"):
		return memory.KVFP8Head, nil
	case prefixed("fp8", "e4m3", "e5m2", "float8"):
		return memory.KVFP8, nil
	case kv == "", prefixed("auto", "bf16", "bfloat16", "fp16", "float16", "f16", "half", "16", "none", "default", "-"),
		prefixed("fp32", "float32", "f32"):
		return memory.KVAuto, nil
	}
	return memory.KVAuto, fmt.Errorf("kv_dtype %q is not known", cell)
}
