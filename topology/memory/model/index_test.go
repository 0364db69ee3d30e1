package model

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/google/go-cmp/cmp"
)

func TestParseIndex(t *testing.T) {
	index, err := ParseIndex([]byte(`{"metadata": {"total_size": 16060522496}, "weight_map": {"lm_head.weight": "a.safetensors"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Index{Size: 16060522496, Head: true}, index); diff != "" {
		t.Fatalf("index (-want +got):\n%s", diff)
	}

	for name, tc := range map[string]struct{ text, want string }{
		"no JSON":    {"x", "safetensors index: invalid character"},
		"no size":    {"{}", "metadata.total_size: missing"},
		"negative":   {`{"metadata": {"total_size": -1}}`, "metadata.total_size: -1 is not a size"},
		"absurd":     {`{"metadata": {"total_size": 1e18}}`, "metadata.total_size: 1e18 is not a size"},
		"fraction":   {`{"metadata": {"total_size": 1.5}}`, "metadata.total_size: 1.5 is not a size"},
		"two values": {`{"metadata": {"total_size": 5}} {}`, "more than one JSON value"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseIndex([]byte(tc.text))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// An index can state the size of the files, the size with a tied head stored twice,
// or something else altogether.
func TestWithIndex(t *testing.T) {
	qwen, err := Known("Qwen/Qwen3-0.6B")
	if err != nil {
		t.Fatal(err)
	}
	head := topology.Bytes(151936 * 1024 * 2)

	with, note := qwen.WithIndex(Index{Size: qwen.Stored() + 1000})
	if got, want := with.Stored(), (qwen.Stored() + 1000); got != want {
		t.Fatalf("with.Stored() = %v, want %v", got, want)
	}
	if note != "" {
		t.Fatalf("note = %v, want none", note)
	}

	with, note = qwen.WithIndex(Index{Size: qwen.Stored() + head, Head: true})
	if got, want := with.Stored(), qwen.Stored(); got != want {
		t.Fatalf("with.Stored() = %v, want %v", got, want)
	}
	if !strings.Contains(note, "tied output head") {
		t.Fatalf("%q does not contain %q", note, "tied output head")
	}

	with, note = qwen.WithIndex(Index{Size: qwen.Stored() / 2})
	if got, want := with.Loaded(), qwen.Loaded()/2; got < want-2 || got > want+2 {
		t.Fatalf("with.Loaded() = %v, want %v", got, want)
	}
	if !strings.Contains(note, "the files have fewer bits than config.json says") {
		t.Fatalf("note = %q", note)
	}

	with, note = qwen.WithIndex(Index{Size: qwen.Stored() / 100})
	if with != qwen || !strings.Contains(note, "not taken") {
		t.Fatalf("a hundredth is taken: %q", note)
	}

	with, note = qwen.WithIndex(Index{Size: 2 * qwen.Stored()})
	if got, want := with.Stored(), qwen.Stored(); got != want {
		t.Fatalf("with.Stored() = %v, want %v", got, want)
	}
	if !strings.Contains(note, "not taken") {
		t.Fatalf("%q does not contain %q", note, "not taken")
	}
}
