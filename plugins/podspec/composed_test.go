package podspec

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewriteComposed = flag.Bool("rewrite-composed", false, "write testdata/composed.txt anew")

// The small manifests of each kind that plan is held to make these pods, named as their controllers name
// them: go test ./plugins/podspec -run Composed -rewrite-composed writes what is made now.
func TestComposedKinds(t *testing.T) {
	files, err := filepath.Glob("../../cmd/ashlar/internal/plan/testdata/workloads/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var b strings.Builder
	for _, file := range files {
		b.WriteString("# " + filepath.Base(file) + "\n")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := ReadObjects(filepath.Base(file), text)
		if err != nil {
			t.Fatal(err)
		}
		for i := range objects {
			workloads, known, err := objects[i].ReadWorkloads()
			for _, line := range describeWorkloads(workloads) {
				b.WriteString(line + "\n")
			}
			if err != nil {
				b.WriteString("error: " + err.Error() + "\n")
			}
			if !known && len(workloads) > 0 {
				b.WriteString("how many there are is not known\n")
			}
		}
	}
	const golden = "testdata/composed.txt"
	if *rewriteComposed {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}

// A component of Dynamo is scaled by way of an adapter that is named for it.
func TestDynamoScaling(t *testing.T) {
	graph := Workload{Kind: "DynamoGraphDeployment", Name: "g", Namespace: "n", Part: "VllmDecodeWorker"}
	for name, tc := range map[string]struct {
		target string
		want   bool
	}{
		"its own": {"g-vllmdecodeworker", true}, "another's": {"g-frontend", false},
	} {
		t.Run(name, func(t *testing.T) {
			a := Autoscaler{Namespace: "n", TargetKind: "DynamoGraphDeploymentScalingAdapter", TargetName: tc.target}
			if got := a.ScalesWorkload(&graph); got != tc.want {
				t.Errorf("scales %t, want %t", got, tc.want)
			}
		})
	}
}
