package scenario

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// What holders of a GPU get, by the way to share it.
func TestGPUSharing(t *testing.T) {
	const mib = topology.MiB
	for name, tc := range map[string]struct {
		sharing Sharing
		gpu     string
		want    simulator.GPUSharing
	}{
		"replicas have what processes can allocate": {
			"time-slicing/4", "A100-SXM4-40GB", simulator.GPUSharing{Parts: 1, Replicas: 4, Memory: 40325 * mib},
		},
		"clients have a part of what NVML reports": {
			"mps/4", "A100-SXM4-40GB", simulator.GPUSharing{Parts: 1, Replicas: 4, Memory: 40325 * mib, MPS: true, ClientLimit: 10240 * mib},
		},
		"in whole MiB, rounded down": {
			"mps/7", "T4", simulator.GPUSharing{Parts: 1, Replicas: 7, Memory: 14910 * mib, MPS: true, ClientLimit: 2194 * mib},
		},
		"slices": {
			"3g.20gb/time-slicing/2", "A100-SXM4-40GB", simulator.GPUSharing{Parts: 2, Replicas: 2, Memory: 19968 * mib},
		},
		"as many clients as a slice has": {
			"3g.20gb/mps/20", "A100-SXM4-40GB",
			simulator.GPUSharing{Parts: 2, Replicas: 20, Memory: 19968 * mib, MPS: true, ClientLimit: 998 * mib},
		},
		"one slice with all media engines": {
			"1g.5gb+me/time-slicing/3", "A100-SXM4-40GB", simulator.GPUSharing{Parts: 1, Replicas: 3, Memory: 4864 * mib},
		},
		"seven slices": {
			"1g.5gb/time-slicing/100", "A100-SXM4-40GB", simulator.GPUSharing{Parts: 7, Replicas: 100, Memory: 4864 * mib},
		},
		"upper case": {
			"3G.20GB/time-slicing/2", "A100-SXM4-40GB", simulator.GPUSharing{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			gpu, err := catalogue.Default().Model(tc.gpu)
			if err != nil {
				t.Fatal(err)
			}
			terms, err := tc.sharing.asReplicas()
			if tc.want == (simulator.GPUSharing{}) {
				if err == nil {
					t.Fatalf("%s is taken for %+v", tc.sharing, terms)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := terms.gpuSharing(gpu, catalogue.Default())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A GPU whose memory is the host's has nothing of which clients could have a part.
func TestMPSNeedsMemory(t *testing.T) {
	gpu := &topology.Model{Name: "unified", Compute: topology.ComputeCapability{Major: 12}}
	if got, err := (replicaSharing{mps: true, replicas: 2}).gpuSharing(gpu, catalogue.Default()); err == nil {
		t.Errorf("shares a GPU without memory as %+v", got)
	}
}

// Every word of Sharing is either read or refused with what to write, and nothing that is
// read loses anything.
func FuzzSharing(f *testing.F) {
	for _, seed := range []string{
		"ashlar", "mps/4", "3g.20gb/time-slicing/2", "time-slicing/2/mps/2", "/", "mps/", "mps//2", "1g.5gb/mps/1/", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Sharing(text).asReplicas()
		if err != nil {
			if r != (replicaSharing{}) || err.Error() == "" {
				t.Fatalf("%q: %+v, %v", text, r, err)
			}
			return
		}
		if r.replicas == 0 {
			if text != "" && text != string(ByRequest) && text != string(WholeGPUs) {
				t.Fatalf("%q is taken for nothing", text)
			}
			return
		}
		if got := r.asSharing(); string(got) != text {
			t.Fatalf("%q is read as %s", text, got)
		}
	})
}
