package docs

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the generated parts of the pages anew")

// generatedPart is a part of a page that is written from what the programs or their source say,
// between "<!-- begin: command -->" and "<!-- end -->".
type generatedPart struct {
	page, command string
	write         func(t *testing.T) string
}

const updateCommand = "go test ./test/docs -update: "

var generatedParts = []generatedPart{
	{"README.md", "ashlar simulate llm-fleet", fleetSentence},
	{"docs/reference.md", updateCommand + "annotations", annotationTable},
	{"docs/reference.md", updateCommand + "attributes", attributeTable},
	{"docs/reference.md", updateCommand + "capacities", capacityTable},
	{"docs/reference.md", updateCommand + "classes", classTable},
	{"docs/reference.md", updateCommand + "arguments", argumentTable},
	{"docs/metrics.md", updateCommand + "metrics", metricTable},
	{"docs/compatibility.md", updateCommand + "features", featureTable},
	{"docs/compatibility.md", updateCommand + "GPUs", modelTable},
}

// The generated parts of the pages are what their commands write.
func TestGeneratedParts(t *testing.T) {
	for _, part := range generatedParts {
		t.Run(part.page+" "+part.command, func(t *testing.T) {
			want := strings.TrimSpace(part.write(t))
			if *update {
				if err := writePart(part.page, part.command, want); err != nil {
					t.Fatal(err)
				}
			}
			got, err := partOf(readPage(t, part.page), part.command)
			if err != nil {
				t.Fatalf("%s: %v", part.page, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s is out of date, write it by go test ./test/docs -run GeneratedParts -update\n(-want +got):\n%s", part.page, diff)
			}
		})
	}
}

// writePart replaces what is between the markers of a command.
func writePart(page, command, part string) error {
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		return err
	}
	if _, err := partOf(string(text), command); err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	begin := "<!-- begin: " + command + " -->"
	before, rest, _ := strings.Cut(string(text), begin)
	_, after, _ := strings.Cut(rest, "<!-- end -->")
	return os.WriteFile(filepath.Join(root, page), []byte(before+begin+"\n"+part+"\n<!-- end -->"+after), 0o644)
}

// partOf is what stands between the markers of a command.
func partOf(text, command string) (string, error) {
	begin := "<!-- begin: " + command + " -->"
	_, rest, found := strings.Cut(text, begin)
	inside, _, closed := strings.Cut(rest, "<!-- end -->")
	if !found || !closed {
		return "", fmt.Errorf("there is no %s with <!-- end --> behind it", begin)
	}
	return strings.TrimSpace(inside), nil
}

// markdownTable writes a table; a bar in a cell is escaped.
func markdownTable(header []string, rows [][]string) string {
	var text strings.Builder
	line := func(cells []string) {
		escaped := make([]string, len(cells))
		for i, cell := range cells {
			escaped[i] = strings.ReplaceAll(strings.Join(strings.Fields(cell), " "), "|", `\|`)
		}
		fmt.Fprintf(&text, "| %s |\n", strings.Join(escaped, " | "))
	}
	line(header)
	line(slices.Repeat([]string{"---"}, len(header)))
	for _, row := range rows {
		line(row)
	}
	return text.String()
}

// fleetSentence is what the scenario llm-fleet comes to, in GPUs and dollars.
func fleetSentence(t *testing.T) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), filepath.Join(ashlarFolder(t), "ashlar"), "simulate", "llm-fleet", "-o", "json").Output()
	if err != nil {
		t.Fatalf("ashlar simulate llm-fleet: %v", err)
	}
	var simulated struct {
		Runs []struct {
			Variant string
			Result  struct {
				Jobs               struct{ Arrived, Running, Failed int }
				OutOfMemory        int
				UsedGPUs           float64
				UsedDollarsPerHour float64
			}
		}
	}
	if err := json.Unmarshal(output, &simulated); err != nil {
		t.Fatal(err)
	}
	if len(simulated.Runs) != 3 {
		t.Fatalf("%d variants of llm-fleet, want whole, ashlar and time-slicing-4", len(simulated.Runs))
	}
	whole, ashlar, sliced := simulated.Runs[0].Result, simulated.Runs[1].Result, simulated.Runs[2].Result
	if whole.Jobs != ashlar.Jobs {
		t.Fatalf("whole runs %+v and ashlar %+v: what they cost cannot be compared", whole.Jobs, ashlar.Jobs)
	}
	return fmt.Sprintf("**The same %d model servers hold %.1f GPUs instead of %.1f, for $%.2f an hour instead of $%.2f (%.0f %%).**\n"+
		"Where the GPUs are time-sliced instead, %d of the %d servers fail, and %d starts run out of memory.",
		ashlar.Jobs.Running, ashlar.UsedGPUs, whole.UsedGPUs, ashlar.UsedDollarsPerHour, whole.UsedDollarsPerHour,
		100*(ashlar.UsedDollarsPerHour/whole.UsedDollarsPerHour-1), sliced.Jobs.Failed, sliced.Jobs.Arrived, sliced.OutOfMemory)
}
