package memory_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// Two matrices of 16 bits for each linear layer, by the shapes of create_lora_weights in vllm/lora/layers: of Llama 3.1 8B
// 81,920 numbers for each rank and layer, and twice 128,256 + 4,096 for the embedding and the head.
func TestAdapterSlots(t *testing.T) {
	const llama, mixture = "meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-30B-A3B"
	llamaSlot := topology.Bytes((32*81920 + 2*(128256+4096)) * 16 * 2)
	attention := int64(2*(2048+4096) + 2*(2048+512))
	mixtureSlot := topology.Bytes((48*attention + 2*(151936+2048)) * 16 * 2)
	experts := topology.Bytes(48 * 128 * 3 * (2048 + 768) * 16 * 2)
	h100 := whole(t, "H100-SXM5-80GB")
	for name, tc := range map[string]struct {
		model       string
		minor       int64
		slots, rank int64
		want        topology.Bytes
	}{
		"one":                        {llama, 12, 1, 0, llamaSlot},
		"four of rank 64":            {llama, 12, 4, 64, 16 * llamaSlot},
		"with words of its own":      {llama, 11, 1, 0, llamaSlot + 256*4096*4},
		"not for experts":            {mixture, 11, 1, 0, mixtureSlot + 256*2048*4},
		"for every expert":           {mixture, 12, 1, 0, mixtureSlot + experts},
		"none, whatever the rank is": {llama, 12, 0, 64, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := memory.Launch{Version: memory.Version{Minor: tc.minor}, MaxModelLen: 4096}
			without := estimate(t, tc.model, l, h100, memory.Demand{})
			l.Adapters, l.AdapterRank = tc.slots, tc.rank
			with := estimate(t, tc.model, l, h100, memory.Demand{})
			if got := with.Loading - without.Loading; got != tc.want {
				t.Errorf("slots take %d bytes, want %d", got, tc.want)
			}
			if tc.slots > 0 && with.Graphs <= without.Graphs {
				t.Errorf("graphs take %s with adapters and %s without", with.Graphs, without.Graphs)
			}
		})
	}
}
