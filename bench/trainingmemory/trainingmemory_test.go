package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The account is held to published measurements: half of them within 7 %, all within 20 %, and all within
// the margin that it states of itself, so that what surely fits would have fitted.
func TestPublishedMeasurements(t *testing.T) {
	const median, most, least = 7, 20, 40
	measurements, err := readMeasurements(embeddedMeasurements)
	if err != nil {
		t.Fatal(err)
	}
	results, err := compareAll(measurements)
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	for i := range results {
		c := &results[i]
		t.Logf("%-40s %8s measured, %8s predicted: %+.1f %%", c.id, c.measured, c.predicted, c.errorPercent())
		if !c.isCounted() {
			continue
		}
		counted++
		if !c.withinMargin() {
			t.Errorf("%s: %s measured, %s predicted: more than the margin of %s apart", c.id, c.measured, c.predicted, c.margin)
		}
		if !strings.HasPrefix(c.url, "https://") {
			t.Errorf("%s: source %q is no address", c.id, c.url)
		}
	}
	if sum := summariseErrors(results); sum.median > median || sum.most > most || counted < least {
		t.Errorf("%d measurements, median error %.1f %%, largest %.1f %%, want at least %d, at most %d %% and %d %%", counted, sum.median,
			sum.most,
			least, median, most)
	}
}

// The page is what the command writes.
func TestResultsPage(t *testing.T) {
	const page = "../../docs/results/training-memory.md"
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir() + "/page.md"
	if err := os.WriteFile(copied, want, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := runComparison(new(strings.Builder), "", copied); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("go run ./bench/trainingmemory -readme docs/results/training-memory.md changes the page (-want +got):\n%s", diff)
	}
}

func TestMeasurementMistakes(t *testing.T) {
	const header = "id,model,measured,unit,of,settings,url,note\n"
	for name, tc := range map[string]struct{ text, want string }{
		"columns": {header + "a,b\n", "wrong number of fields"},
		"figure":  {header + "a,b,much,GiB,device,,u,\n", "line 2: measured"},
		"unit":    {header + "a,b,1,GW,device,,u,\n", `line 2: unit "GW"`},
		"setting": {header + "a,openai-community/gpt2,1,GB,device,colour=red,u,\n", `a: setting "colour" is not known`},
		"model":   {header + "a,nobody/none,1,GB,device,length=1,u,\n", "a: "},
	} {
		t.Run(name, func(t *testing.T) {
			measurements, err := readMeasurements(tc.text)
			if err == nil {
				_, err = compareAll(measurements)
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}
