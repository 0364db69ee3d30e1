package podspec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzManifest checks what holds of any manifest: no panic, numbers within bounds, errors and notes that are
// text, the same answer twice, and the pods of plan no fewer than the workloads have.
func FuzzManifest(f *testing.F) {
	files, err := filepath.Glob("../../cmd/ashlar/internal/plan/testdata/workloads/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d manifests, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(manifest)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		objects, err := ReadObjects("f", []byte(text))
		if err != nil && !utf8.ValidString(err.Error()) && utf8.ValidString(text) {
			t.Fatalf("error %q", err)
		}
		for i := range objects {
			checkObject(t, &objects[i])
		}
		pods, _ := ReadPods("f", []byte(text))
		again, _ := ReadPods("f", []byte(text))
		if len(pods) != len(again) {
			t.Fatalf("%d pods, then %d", len(pods), len(again))
		}
		for i := range pods {
			if p := &pods[i]; p.Replicas < 0 || p.Together < 0 || p.Where() != again[i].Where() {
				t.Fatalf("pod %s: %d replicas, %d together; then %s", p.Where(), p.Replicas, p.Together, again[i].Where())
			}
		}
	})
}

// checkObject checks what an object of any kind makes.
func checkObject(t *testing.T, o *Object) {
	workloads, _, err := o.ReadWorkloads()
	if err != nil && !strings.HasPrefix(err.Error(), "f:") {
		t.Fatalf("error without a place: %v", err)
	}
	for i := range workloads {
		w := &workloads[i]
		if w.Replicas < 0 || w.Replicas > maxReplicas || w.Scale != nil && (w.Scale.Min < 0 || w.Scale.Max < 0) {
			t.Fatalf("%s: %d replicas, scale %v", w.Title(), w.Replicas, w.Scale)
		}
		for j := range w.Templates {
			if n := w.Templates[j].PerReplica; n < 1 || n > maxReplicas {
				t.Fatalf("%s: %d pods to a replica", w.Title(), n)
			}
			_ = w.Templates[j].PodName(0, 0)
		}
	}
	_, _ = o.ReadAutoscaler()
	_ = o.HasControllerBeside()
}
