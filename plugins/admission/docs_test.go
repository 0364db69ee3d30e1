package admission

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
)

var update = flag.Bool("update", false, "write the tables of docs/webhook.md anew")

const (
	docsPage  = "../../docs/webhook.md"
	docsBegin = "<!-- keys: written by go test ./plugins/admission -run KeysAreDocumented -update -->\n"
	docsEnd   = "<!-- end of keys -->\n"
)

// keyTables are the tables of the page, one for each system.
func keyTables() string {
	var page strings.Builder
	system := ""
	for _, key := range KeyTable() {
		if key.System != system {
			system = key.System
			fmt.Fprintf(&page, "\n### %s\n\n| key | where | counts | becomes |\n| --- | --- | --- | --- |\n", system)
		}
		becomes := key.Becomes
		if becomes == "" {
			becomes = "not kept: " + key.Because
		}
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", key.Key, key.Place, key.Unit, becomes)
	}
	return page.String() + "\n"
}

// The page lists all keys and what becomes of them.
func TestKeysAreDocumented(t *testing.T) {
	text, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), docsBegin)
	got, after, ended := strings.Cut(rest, docsEnd)
	if !found || !ended {
		t.Fatalf("%s has no place for the keys", docsPage)
	}
	want := keyTables()
	if *update {
		if err := os.WriteFile(docsPage, []byte(before+docsBegin+want+docsEnd+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs (-want +got); write it anew with -update:\n%s", docsPage, diff)
	}
}

// The page shows a record as it is written.
func TestRecordIsDocumented(t *testing.T) {
	text, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	outcome := reviewOf(t, podWith("scheduler: hami-scheduler", "nvidia.com/gpu: 1", "nvidia.com/gpumem: 3000"), nil)
	if record := outcome.Pod.Annotations[RecordAnnotation]; !strings.Contains(string(text), record+"\n") {
		t.Errorf("%s lacks the record:\n%s", docsPage, record)
	}
}

// Each key of the table is read: a pod that has it, with a value that makes sense, is changed by it or warned of it.
func TestKeysOfTheTableAreRead(t *testing.T) {
	values := map[string]string{
		kaiFraction: "0.5", kaiMPS: "true", kaiContainer: "main", hamiDialect.mode: "mps", volcanoDialect.mode: "mps",
		hamiDialect.numaBind:     "true",
		"nvidia.com/use-gputype": "A100", "nvidia.com/nouse-gputype": "A100", "nvidia.com/use-gpuuuid": "GPU-1",
		"nvidia.com/nouse-gpuuuid": "GPU-1",
		koordMemory:                "8Gi",
	}
	base := map[string][]string{
		"KAI":         {"scheduler: kai-scheduler", "@gpu-memory: 2000"},
		"HAMi":        {"scheduler: hami-scheduler", "nvidia.com/gpu: 2", "nvidia.com/gpumem: 2000"},
		"Volcano":     {"scheduler: volcano", "volcano.sh/vgpu-number: 2", "volcano.sh/vgpu-memory: 2000"},
		"Koordinator": {"scheduler: koord-scheduler", "koordinator.sh/gpu-memory: 2000Mi"},
	}
	for _, key := range KeyTable() {
		name := strings.NewReplacer("<name>", "main", "<profile>", "1g.10gb").Replace(key.Key)
		value, special := values[key.Key]
		switch {
		case special:
		case strings.HasSuffix(key.Key, kaiRequestSuffix), strings.HasSuffix(key.Key, kaiLimitSuffix):
			value = "4Gi"
		case strings.HasSuffix(key.Key, kaiModeSuffix):
			value = "sm-sharing"
		case strings.HasSuffix(key.Key, "percentage"), strings.HasSuffix(key.Key, "cores"):
			value = "40"
		default:
			value = "3"
		}
		mark := map[string]string{"annotation": "@", "label": "#"}[key.Place]
		with := append(append([]string{}, base[key.System]...), mark+name+": "+value)
		if strings.HasSuffix(key.Key, kaiModeSuffix) {
			with = append(with[:1], "@nvidia.com/container.main.gpu-memory.request: 4Gi", mark+name+": "+value)
		}
		before, after := outcomeText(podWith(base[key.System]...)), outcomeText(podWith(with...))
		if key.Key == kaiContainer { // the first container has it anyway
			after = outcomeText(podWith(append(with[:len(with)-1], mark+name+": other")...))
		}
		if before == after {
			t.Errorf("%s of %s changes nothing: %s", name, key.System, after)
		}
	}
}

// outcomeText is all that a review says and makes.
func outcomeText(pod *v1.Pod) string {
	outcome, err := ReviewPod(pod, "team", twoSizes(), Options{})
	if err != nil {
		return err.Error()
	}
	text := strings.Join(outcome.Warnings, "\n")
	for _, template := range outcome.Templates {
		text += "\n" + claimText(&template.Spec.Spec)
	}
	return text
}
