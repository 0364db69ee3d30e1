package chart

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// valuesFile is values.yaml, with its comments.
func valuesFile(t *testing.T) *yaml.Node {
	t.Helper()
	text := readText(t, "manifests", "chart", "values.yaml")
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	return document.Content[0]
}

// documentedValue is a row of the table of values.
type documentedValue struct {
	key, standard, meaning string
}

// documentedValues are the keys that have a comment. What is below one of them is its value.
func documentedValues(t *testing.T, node *yaml.Node, prefix string) []documentedValue {
	t.Helper()
	var rows []documentedValue
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name := prefix + key.Value
		if key.HeadComment == "" {
			if value.Kind != yaml.MappingNode || len(value.Content) == 0 {
				t.Errorf("values.yaml says nothing of %s", name)
				continue
			}
			rows = append(rows, documentedValues(t, value, name+".")...)
			continue
		}
		var lines []string
		for line := range strings.SplitSeq(key.HeadComment, "\n") {
			lines = append(lines, strings.TrimSpace(strings.TrimPrefix(line, "#")))
		}
		var standard any
		if err := value.Decode(&standard); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(standard)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, documentedValue{name, string(text), strings.Join(lines, " ")})
	}
	return rows
}

const (
	tableBegin = "<!-- Written by make generate from manifests/chart/values.yaml: change it there. -->\n"
	tableEnd   = "<!-- end of the values -->\n"
)

// docs/install.md lists every value with its default and meaning.
func TestValuesTable(t *testing.T) {
	var table strings.Builder
	table.WriteString("| value | default | meaning |\n| --- | --- | --- |\n")
	for _, row := range documentedValues(t, valuesFile(t), "") {
		fmt.Fprintf(&table, "| `%s` | `%s` | %s |\n", row.key, row.standard, strings.ReplaceAll(row.meaning, "|", "\\|"))
	}
	page := readText(t, "docs", "install.md")
	before, rest, begins := strings.Cut(page, tableBegin)
	have, after, ends := strings.Cut(rest, tableEnd)
	if !begins || !ends {
		t.Fatalf("docs/install.md needs %q and %q", tableBegin, tableEnd)
	}
	if *update {
		text := before + tableBegin + table.String() + tableEnd + after
		if err := os.WriteFile(filepath.Join("..", "..", "docs", "install.md"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(table.String(), have); diff != "" {
		t.Errorf("the table of docs/install.md is out of date, run make generate (-want +got):\n%s", diff)
	}
}

// The schema knows the keys of values.yaml and no others.
func TestSchemaKnowsValues(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal([]byte(readText(t, "manifests", "chart", "values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	delete(schema["properties"].(map[string]any), "global") // Helm's own
	compareKeys(t, "", schema, valuesFile(t))
}

func compareKeys(t *testing.T, name string, schema map[string]any, node *yaml.Node) {
	t.Helper()
	properties, _ := schema["properties"].(map[string]any)
	if properties == nil {
		return // a map of the user's own keys, or a value
	}
	if schema["additionalProperties"] != false {
		t.Errorf("the schema takes unknown keys in %q", name)
	}
	have := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i].Value
		have[key] = true
		inner, known := properties[key].(map[string]any)
		if !known {
			t.Errorf("the schema does not know %s%s", name, key)
			continue
		}
		if inner["type"] == "object" {
			compareKeys(t, name+key+".", inner, node.Content[i+1])
		}
	}
	if name == "" || !strings.HasSuffix(name, "resources.") {
		for key := range properties {
			if !have[key] {
				t.Errorf("values.yaml does not have %s%s", name, key)
			}
		}
	}
}

// What cannot be meant is refused before anything is installed, with the key's name.
func TestValuesAreChecked(t *testing.T) {
	for name, tc := range map[string]struct {
		set  string
		want []string
	}{
		"mode":          {"mode=driver", []string{"/mode", "'scheduler-only', 'full'"}},
		"unknown key":   {"scheduler.replica=2", []string{"/scheduler", "'replica' not allowed"}},
		"unknown group": {"schedular.replicas=2", []string{"'schedular' not allowed"}},
		"no number":     {"scheduler.replicas=two", []string{"/scheduler/replicas", "got string, want integer"}},
		"no replica":    {"scheduler.replicas=0", []string{"/scheduler/replicas", "minimum: got 0, want 1"}},
		"no boolean":    {"webhook.enabled=1", []string{"/webhook/enabled", "got number, want boolean"}},
		"interval":      {"monitoring.serviceMonitor.interval=often", []string{"/monitoring/serviceMonitor/interval", "'often' does not match"}},
		"memory": {"driver.resources.requests.memory=64MB",
			[]string{"/driver/resources/requests/memory", "'64MB' does not match"}},
		"collector's scheme": {"scheduler.tracing.endpoint=http://collector:4318",
			[]string{"/scheduler/tracing/endpoint", "does not match"}},
		"too many traces": {"scheduler.tracing.samplingRatePerMillion=1000001",
			[]string{"/scheduler/tracing/samplingRatePerMillion", "maximum"}},
		"driver's root":   {"driver.root=run", []string{"/driver/root", "'run' does not match"}},
		"driver anywhere": {"driver.nodeSelector=null", []string{"driver.nodeSelector"}},
		"classes without driver": {"deviceClasses.extendedResources=true",
			[]string{"deviceClasses.extendedResources", "mode is scheduler-only", "set mode=full"}},
		"exclusive without driver": {"policies.exclusiveAllocation=true",
			[]string{"policies.exclusiveAllocation", "mode is scheduler-only", "set mode=full"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := templateChart(t, tc.set)
			if err == nil {
				t.Fatalf("%s is accepted", tc.set)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("want %q in: %v", want, err)
				}
			}
		})
	}
}
