package publish_test

import (
	"encoding/json"
	"testing"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// TestBytes prints what a node costs by the forms that it publishes (run it with -v), and
// holds that a node of whole GPUs stays small.
func TestBytes(t *testing.T) {
	machine, err := catalogue.Default().Machine("dgx-h100")
	if err != nil {
		t.Fatal(err)
	}
	node, err := simulated.Node{Name: "node-0", Machine: machine}.Discover(catalogue.Default().MIG)
	if err != nil {
		t.Fatal(err)
	}
	all := node.ListDevices(discovery.DeviceOptions{AnyMode: true})
	for name, tc := range map[string]struct {
		forms []string
		most  int // bytes of JSON
	}{
		"whole":           {[]string{"whole"}, 16_000},
		"whole,share":     {[]string{"whole", "share"}, 32_000},
		"whole,mig,share": {[]string{"whole", "mig", "share"}, 240_000},
	} {
		t.Run(name, func(t *testing.T) {
			forms, err := discovery.ParseForms(tc.forms)
			if err != nil {
				t.Fatal(err)
			}
			devices := discovery.SelectForms(all, forms)
			asJSON, asProtobuf := 0, 0
			for _, slice := range publish.ResourceSlices("node-0", publish.DriverResources("node-0", node, devices, nil)) {
				text, err := json.Marshal(slice)
				if err != nil {
					t.Fatal(err)
				}
				binary, err := slice.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				asJSON, asProtobuf = asJSON+len(text), asProtobuf+len(binary)
			}
			t.Logf("%d devices: %d bytes of JSON, %d of protobuf", len(devices), asJSON, asProtobuf)
			if asJSON > tc.most {
				t.Errorf("%d bytes of JSON, want at most %d", asJSON, tc.most)
			}
		})
	}
}
