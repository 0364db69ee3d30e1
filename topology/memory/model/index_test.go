package model

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology"
)

func TestParseIndex(t *testing.T) {
	index, err := ParseIndex([]byte(`{"metadata": {"total_size": 16060522496}, "weight_map": {"lm_head.weight": "a.safetensors"}}`))
	require.NoError(t, err)
	require.Equal(t, Index{Size: 16060522496, Head: true}, index)

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
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// An index can state the size of the files, the size with a tied head stored twice,
// or something else altogether.
func TestWithIndex(t *testing.T) {
	qwen, err := Known("Qwen/Qwen3-0.6B")
	require.NoError(t, err)
	head := topology.Bytes(151936 * 1024 * 2)

	with, note := qwen.WithIndex(Index{Size: qwen.Stored() + 1000})
	require.Equal(t, qwen.Stored()+1000, with.Stored())
	require.Empty(t, note)

	with, note = qwen.WithIndex(Index{Size: qwen.Stored() + head, Head: true})
	require.Equal(t, qwen.Stored(), with.Stored())
	require.Contains(t, note, "tied output head")

	with, note = qwen.WithIndex(Index{Size: 2 * qwen.Stored()})
	require.Equal(t, qwen.Stored(), with.Stored())
	require.Contains(t, note, "not taken")
}
