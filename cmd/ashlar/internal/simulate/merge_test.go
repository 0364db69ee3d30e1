package simulate

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
)

const sweepHeader = "pods,policy,seed,alloc100,alloc130,failed,cpu_seconds\n"

// merge runs simulate merge on files with the given contents.
func merge(t *testing.T, contents ...string) (string, error) {
	t.Helper()
	command := clitest.RootCommand(NewCommand())
	args := []string{"simulate", "merge"}
	for i, text := range contents {
		file := filepath.Join(t.TempDir(), string(rune('a'+i))+".csv")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		args = append(args, file)
	}
	var out bytes.Buffer
	command.SetOut(&out)
	command.SetArgs(args)
	err := command.Execute()
	return out.String(), err
}

func TestMerge(t *testing.T) {
	merged, err := merge(t,
		sweepHeader+"default,fgd,9,1,2,3,0.1\ndefault,ashlar,10,1,2,3,0.1\n",
		"pulling the trace\n"+sweepHeader+"default,ashlar,9,1,2,3,0.1\n",
		sweepHeader, // a shard with nothing to do
	)
	require.NoError(t, err)
	require.Equal(t, sweepHeader+"default,ashlar,9,1,2,3,0.1\ndefault,ashlar,10,1,2,3,0.1\ndefault,fgd,9,1,2,3,0.1\n", merged)

	for want, contents := range map[string][]string{
		"default,fgd,9 is there twice": {sweepHeader + "default,fgd,9,1,2,3,0.1\n", sweepHeader + "default,fgd,9,1,2,3,0.1\n"},
		"has no header pods,policy":    {"default,fgd,9,1,2,3,0.1\n"},
		"2: 3 columns, want 7":         {sweepHeader + "default,fgd,9\n"},
	} {
		_, err := merge(t, contents...)
		require.ErrorContains(t, err, want)
	}
}

func TestShard(t *testing.T) {
	var all []int
	seen := map[int]int{}
	for i := range 10 {
		all = append(all, i)
	}
	for _, text := range []string{"0/3", "1/3", "2/3"} {
		var s shardFlag
		require.NoError(t, s.Set(text))
		for _, i := range ofShard(s, all) {
			seen[i]++
		}
	}
	require.Len(t, seen, 10, "every experiment is in a shard")
	for i, times := range seen {
		require.Equal(t, 1, times, "experiment %d", i)
	}
	require.Equal(t, all, ofShard(shardFlag{}, all))
	for _, text := range strings.Fields("3/3 -1/3 1 /3 a/b 0/0 0/1000000") {
		require.Error(t, new(shardFlag).Set(text), text)
	}
}
