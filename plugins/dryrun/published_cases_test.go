package dryrun

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// casesFolder holds clusters that operators of NVIDIA's driver have described, beside the
// repository where they are at hand.
const casesFolder = "../../../shared/cases"

// Nodes of NVIDIA's driver are understood device by device.
func TestPublishedCases(t *testing.T) {
	if _, err := os.Stat(casesFolder); err != nil {
		t.Skipf("the collection of clusters is not beside the repository: %v", err)
	}
	for name, tc := range map[string]struct {
		cluster, pods string
		wantGot       string // of the only pod
		wantReason    string
	}{
		"topology/one-device-not-understood": {"cluster.json", "pod.yaml", "", "Tesla T4: nothing is left for the KV cache"},
		"topology/ampere-dynamic-mig":        {"cluster.json", "pod.yaml", "GPU 0: 1g.10gb at 6:1", ""},
		"topology/nvidia-memory-shares":      {"cluster.json", "pod.yaml", "", "more than the share of 4GiB"},
		"seeds/nvidia-dra-static-mig":        {"cluster.yaml", "pods.yaml", "", "1g.10gb: nothing is left for the KV cache"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(casesFolder, filepath.FromSlash(name))
			cluster, err := ReadObjectFiles(filepath.Join(folder, tc.cluster), nil)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(folder, tc.pods))
			if err != nil {
				t.Fatal(err)
			}
			manifest := &AppliedManifest{}
			if err := manifest.ReadObjects(tc.pods, text, "default"); err != nil {
				t.Fatal(err)
			}
			q := &PlacementQuestion{Manifest: manifest, Scheduler: "ashlar-scheduler"}
			answer, err := AnswerQuestion(context.Background(), cluster, q, placement.KeepPlaceable{})
			if err != nil {
				t.Fatal(err)
			}
			pod := answer.Pods[0]
			if len(answer.Pods) != 1 || pod.Got != tc.wantGot || !strings.Contains(pod.Reason, tc.wantReason) {
				t.Errorf("%d pods, the first got %q, reason %q; want %q, %q", len(answer.Pods), pod.Got, pod.Reason, tc.wantGot, tc.wantReason)
			}
		})
	}
}
