package simulate

import (
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
)

// samples are the small job logs of package trace.
const samples = "../../../../simulator/trace/testdata/"

// Jobs of a published log run on a scenario's nodes; what was left out is said.
func TestSimulateTraceGolden(t *testing.T) {
	for name, files := range map[string][]string{
		"simulate-trace-philly.txt": {"cluster_job_log"},
		"simulate-trace-helios.txt": {"cluster_log.csv"},
		"simulate-trace-pai.txt":    {"pai_task_table.csv", "pai_job_table.csv", "pai_instance_table.csv"},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"simulate", "mig-mix", "--variant", "keep-placeable"}
			for _, file := range files {
				args = append(args, "--trace", samples+file)
			}
			out, problems, err := run(t, args...)
			if err != nil || problems != "" {
				t.Fatalf("%v, %q", err, problems)
			}
			clitest.CompareGolden(t, name, out)
		})
	}
}

func TestSimulateTraceRefuses(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.csv")
	if err := os.WriteFile(broken, []byte("job,task,1,T,1,2,1,1,many,x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"no such file":                          {"--trace", filepath.Join(t.TempDir(), "none")},
		`broken.csv:1: plan_gpu: "many" is no `: {"--trace", broken},
		"--trace-part 2: want above 0":          {"--trace", samples + "cluster_log.csv", "--trace-part", "2"},
		`--trace-from: "soon" is not a length`:  {"--trace", samples + "cluster_log.csv", "--trace-from", "soon"},
		"--trace-from 90d: no job of the log comes within 10d from there; its last comes at 6m": {
			"--trace", samples + "cluster_log.csv", "--trace-from", "90d"},
	} {
		_, _, err := run(t, append([]string{"simulate", "mig-mix"}, args...)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %s", args, err, want)
		}
	}
}

// The page of a comparison has its sentences and the map of one seed.
func TestCompareReport(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.html")
	out, _, err := run(t, "simulate", "compare", "a16-workstation", "--seeds", "1-2", "--report", file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page := html.UnescapeString(string(text))
	for _, want := range []string{
		`id="verdict"`, `id="map"`, "What is significant", "Waits by what was asked for", "One workstation with an A16 board",
		"<code>ashlar simulate compare a16-workstation --seeds 1,2</code>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	// The first sentence stands in both; the terminal breaks its lines.
	_, sentence, found := strings.Cut(strings.Join(strings.Fields(out), " "), "Best for the person who pays: ")
	if sentence, _, _ = strings.Cut(sentence, ","); !found || !strings.Contains(page, sentence) {
		t.Errorf("the page lacks the terminal's verdict %q", sentence)
	}
	if _, _, err := run(t, "simulate", "compare", "a16-workstation", "--report", "/nowhere/page.html"); err == nil {
		t.Error("no error for a page that cannot be written")
	}
}
