package simulate

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
	"github.com/google/go-cmp/cmp"
)

const sweepHeader = "pods,policy,seed,alloc100,alloc130,failed,cpu_seconds\n"

// merge runs simulate merge on files with the given contents.
func merge(t *testing.T, contents ...string) (string, error) {
	t.Helper()
	command := clitest.RootCommand(NewCommand())
	args := []string{"simulate", "merge"}
	for i, text := range contents {
		file := filepath.Join(t.TempDir(), string(rune('a'+i))+".csv")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
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
	if err != nil {
		t.Fatal(err)
	}
	if merged != sweepHeader+"default,ashlar,9,1,2,3,0.1\ndefault,ashlar,10,1,2,3,0.1\ndefault,fgd,9,1,2,3,0.1\n" {
		t.Fatalf("merged = %q, want %q", merged, sweepHeader+"default,ashlar,9,1,2,3,0.1\ndefault,ashlar,10,1,2,3,0.1\ndefault,fgd,9,1,2,3,0.1\n")
	}

	for want, contents := range map[string][]string{
		"default,fgd,9 is there twice": {sweepHeader + "default,fgd,9,1,2,3,0.1\n", sweepHeader + "default,fgd,9,1,2,3,0.1\n"},
		"has no header pods,policy":    {"default,fgd,9,1,2,3,0.1\n"},
		"2: 3 columns, want 7":         {sweepHeader + "default,fgd,9\n"},
	} {
		_, err := merge(t, contents...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("error %v, want %q", err, want)
		}
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
		if err := s.Set(text); err != nil {
			t.Fatal(err)
		}
		for _, i := range ofShard(s, all) {
			seen[i]++
		}
	}
	if len(seen) != 10 {
		t.Fatalf("every experiment is in a shard: len(seen) = %d, want %d: %v", len(seen), 10, seen)
	}
	for i, times := range seen {
		if times != 1 {
			t.Fatalf("experiment %d: times = %v, want %v", i, times, 1)
		}
	}
	if diff := cmp.Diff(all, ofShard(shardFlag{}, all)); diff != "" {
		t.Fatalf("ofShard(shardFlag{}, all) (-want +got):\n%s", diff)
	}
	for _, text := range strings.Fields("3/3 -1/3 1 /3 a/b 0/0 0/1000000") {
		if err := new(shardFlag).Set(text); err == nil {
			t.Fatalf("%v: no error", text)
		}
	}
}
