package memory

import (
	"math"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// claimsOf is what a server takes of a large GPU.
func claimsOf(t *testing.T, name string, l Launch) *Estimate {
	t.Helper()
	m, err := model.Known(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(m, l)
	if err != nil {
		t.Fatal(err)
	}
	e := s.On(GPU{Name: "A100", Total: 80 * topology.GiB, Compute: topology.ComputeCapability{Major: 8}}, Demand{})
	return &e
}

// faster-whisper's README: Whisper large-v2 with 5 beams on an RTX 3070 Ti,
// https://github.com/SYSTRAN/faster-whisper#large-v2-model-on-gpu.
func TestWhisperAsPublished(t *testing.T) {
	for name, tc := range map[string]struct {
		launch Launch
		want   float64 // MiB
	}{
		"float16":             {Launch{}, 4525},
		"float16, batch of 8": {Launch{MaxSequences: 8}, 6090},
		"int8":                {Launch{Dtype: "int8"}, 2926},
		"int8, batch of 8":    {Launch{Dtype: "int8_float16", MaxSequences: 8}, 4500},
	} {
		t.Run(name, func(t *testing.T) {
			tc.launch.Engine = CTranslate2
			e := claimsOf(t, "openai/whisper-large-v3", tc.launch) // of the same shape
			got := float64(e.Claims()) / (1 << 20)
			if off := math.Abs(got/tc.want - 1); off > 0.05 {
				t.Errorf("%.0f MiB, %.0f published: %.1f %% off", got, tc.want, 100*off)
			}
		})
	}
}

// An encoder's weights and a batch, by hand: bge-large has 335 million numbers, 1024 wide and 4096 in its feed-forward
// layers, of which three stand at once.
func TestTextEncoders(t *testing.T) {
	const name, numbers, perToken = "BAAI/bge-large-en-v1.5", 335_141_888, 3*4096 + 3*1024
	for about, tc := range map[string]struct {
		launch              Launch
		weights, activation topology.Bytes
		sequences           int64
	}{
		"TEI":                 {Launch{Engine: TEI}, 2 * numbers, 16384 * perToken * 2, 32},
		"TEI, larger batches": {Launch{Engine: TEI, MaxBatchedTokens: 65536}, 2 * numbers, 65536 * perToken * 2, 128},
		"TEI in 32 bits":      {Launch{Engine: TEI, Dtype: "float32"}, 4 * numbers, 16384 * perToken * 4, 32},
		"Infinity":            {Launch{Engine: Infinity}, 2 * numbers, 32 * 512 * perToken * 2, 32},
		"PyTorch":             {Launch{Engine: Plain, MaxSequences: 8}, 4 * numbers, 8 * 512 * perToken * 4, 8},
		"PyTorch in 16 bits":  {Launch{Engine: Plain, Dtype: "float16"}, 2 * numbers, 512 * perToken * 2, 1},
		"Triton":              {Launch{Engine: Triton, MaxSequences: 16}, 4 * numbers, 2 * 16 * 512 * perToken * 4, 16},
		"Triton, two a GPU":   {Launch{Engine: Triton, MaxSequences: 16, Instances: 2}, 2 * 4 * numbers, 2 * 2 * 16 * 512 * perToken * 4, 16},
	} {
		t.Run(about, func(t *testing.T) {
			e := claimsOf(t, name, tc.launch)
			if off := math.Abs(float64(e.WeightBytes())/float64(tc.weights) - 1); off > 0.001 {
				t.Errorf("weights %s, want %s", e.WeightBytes(), tc.weights)
			}
			if e.Activations != tc.activation || e.MaxSequences != tc.sequences {
				t.Errorf("%s of activations for %d at once, want %s for %d", e.Activations, e.MaxSequences, tc.activation, tc.sequences)
			}
			if e.Outcome() != OutcomeStarts || e.Claims() != e.WeightBytes()+e.Activations+e.Other+ContextSize {
				t.Errorf("outcome %d, claims %s", e.Outcome(), e.Claims())
			}
		})
	}
}

// A ViT computes 196 patches of each picture and the class's; a ResNet three of its largest maps.
func TestPictures(t *testing.T) {
	for name, want := range map[string]topology.Bytes{
		"google/vit-base-patch16-224": 8 * 197 * (3*3072 + 3*768) * 4, "microsoft/resnet-50": 8 * 3 * 64 * 112 * 112 * 4,
	} {
		if e := claimsOf(t, name, Launch{Engine: Plain, MaxSequences: 8}); e.Activations != want {
			t.Errorf("%s: %s of activations, want %s", name, e.Activations, want)
		}
	}
}
