package simulate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/simulator/scenario"
)

// The scenarios of testdata/sharing, each of which says in its assertions what a way to
// share GPUs must show, show it.
func TestSharingScenarios(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "sharing", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenario in testdata/sharing: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if _, _, err := run(t, "simulate", file); err != nil {
				t.Error(err)
			}
		})
	}
}

// The same seed gives the same log under every way to share, and the page names the ways.
func TestSharingIsRepeatable(t *testing.T) {
	for _, variant := range []string{"time-slicing-8", "mps-4", "two-slices"} {
		first, _, err := run(t, "simulate", "sharing-strategies", "--variant", variant, "--events", "-")
		if err != nil {
			t.Fatal(err)
		}
		if again, _, _ := run(t, "simulate", "sharing-strategies", "--variant", variant, "--events", "-"); again != first {
			t.Errorf("%s: the same seed wrote other bytes", variant)
		}
	}
	page := filepath.Join(t.TempDir(), "page.html")
	if _, _, err := run(t, "simulate", "sharing-strategies", "--report", page); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"mps-4: mps/4", "two-slices: 3g.20gb/time-slicing/2", "another&#39;s error"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// What completion offers for --sharing is what the flag takes, a number and a profile put in.
func TestSharingIsCompleted(t *testing.T) {
	out, _, err := run(t, "__complete", "simulate", "--sharing", "")
	if err != nil {
		t.Fatal(err)
	}
	offered := strings.Fields(out)
	for _, form := range scenario.SharingForms() {
		if !slices.Contains(offered, form) {
			t.Errorf("completion offers %q, not %s", offered, form)
		}
		stated := scenario.Sharing(strings.NewReplacer("PROFILE", "1g.10gb", "N", "2").Replace(form))
		if err := stated.CheckForm(); err != nil {
			t.Errorf("%s is refused: %v", stated, err)
		}
	}
}
