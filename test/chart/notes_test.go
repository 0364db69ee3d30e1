package chart

import (
	"encoding/json"
	"path/filepath"
	"testing"
)

// What helm install says is true for each mode.
func TestNotes(t *testing.T) {
	binaries, err := builtHelm()
	if err != nil {
		t.Fatal(err)
	}
	for file, set := range map[string][]string{
		"scheduler-only.txt": nil,
		"full.txt":           {"mode=full"},
		"everything.txt": {"mode=full", "deviceClasses.extendedResources=true", "webhook.enabled=true", "monitoring.serviceMonitor.enabled=true",
			"crds.keep=true"},
	} {
		t.Run(file, func(t *testing.T) {
			args := []string{"install", release, chartFolder(t), "--namespace", namespace, "--dry-run=client", "--output", "json"}
			for _, value := range set {
				args = append(args, "--set", value)
			}
			out, err := binaries.RunHelm(t.Context(), t.TempDir(), args...)
			if err != nil {
				t.Fatal(err)
			}
			want := filepath.Join("testdata", file)
			compareGenerated(t, want, notesOf(t, out))
		})
	}
}

// notesOf are the notes of a release that helm prints as JSON.
func notesOf(t *testing.T, out string) string {
	t.Helper()
	var installed struct {
		Info struct {
			Notes string `json:"notes"`
		} `json:"info"`
	}
	if err := json.Unmarshal([]byte(out), &installed); err != nil {
		t.Fatalf("%v in:\n%s", err, out)
	}
	return installed.Info.Notes
}
