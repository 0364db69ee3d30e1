package doubleallocation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/yaml"
)

// What the driver publishes of a GPU excludes a share beside the whole of it.
func TestPublishedGPUWholeAndShared(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "dra", "publish", "testdata", "8xL40S-2socket-node.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	slices := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{poolIndex: indexPools})
	var id poolID
	whole, share := "", ""
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		slice := &resourceapi.ResourceSlice{}
		if err := yaml.Unmarshal([]byte(document), slice); err != nil {
			t.Fatal(err)
		}
		if slice.Spec.Driver == "" {
			continue
		}
		id = poolID{slice.Spec.Driver, slice.Spec.Pool.Name}
		for i := range slice.Spec.Devices {
			d := &slice.Spec.Devices[i]
			if index := d.Attributes["index"].IntValue; index == nil || *index != 0 {
				continue
			}
			if d.AllowMultipleAllocations != nil {
				share = d.Name
			} else {
				whole = d.Name
			}
		}
		if slice.Name == "" {
			slice.Name = slice.GenerateName + string(rune('a'+len(slices.List())))
		}
		if err := slices.Add(slice); err != nil {
			t.Fatal(err)
		}
	}
	if whole == "" || share == "" {
		t.Fatalf("whole %q, share %q", whole, share)
	}
	p, err := readPool(slices, id)
	if err != nil {
		t.Fatal(err)
	}
	older := &holder{uid: "a", since: 1, grants: map[poolID][]grant{id: {{device: whole}}}}
	younger := &holder{uid: "b", since: 2, grants: map[poolID][]grant{id: {{device: share, shared: true}}}}
	if clashBeside(p, id, younger, []*holder{older}) == nil {
		t.Errorf("no clash: %d counters, whole draws %v", len(p.counters), p.devices[whole].ConsumesCounters)
	}
	if clashBeside(p, id, older, []*holder{younger}) == nil {
		t.Error("no clash the other way")
	}
}
