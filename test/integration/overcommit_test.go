package integration

import (
	"errors"
	"fmt"
	"math/rand"
	"testing"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Sixty pods of all forms, from both schedulers at once, on eight GPUs: whatever
// runs, no GPU is in two forms, no memory slice is held twice and no memory is
// promised twice.
func TestNeverOvercommits(t *testing.T) {
	s := newSpace(t)
	on := []string{"overcommit-a", "overcommit-b"}
	random := rand.New(rand.NewSource(1))
	makers := []func() resourceapi.DeviceRequest{
		func() resourceapi.DeviceRequest { return request(whole, 1+random.Int63n(2)) },
		func() resourceapi.DeviceRequest {
			return request(mig, 1, `device.attributes["gpu.ashlar.dev"].profile.startsWith("1g.")`)
		},
		func() resourceapi.DeviceRequest {
			return request(mig, 1, `device.attributes["gpu.ashlar.dev"].profile.startsWith("2g.")`)
		},
		func() resourceapi.DeviceRequest { return sharing(fmt.Sprintf("%dGi", 2+random.Int63n(12))) },
	}
	const pods = 60
	for i := range pods {
		s.create(s.pod(fmt.Sprintf("pod-%d", i), ashlar, on...), makers[random.Intn(len(makers))]())
	}
	s.until("every pod to run or be refused", func() error {
		for i := range pods {
			pod, err := s.get(fmt.Sprintf("pod-%d", i))
			if err != nil {
				return err
			}
			if pod.Spec.NodeName == "" && unschedulable(pod) == "" {
				return errors.New(pod.Name + " was not looked at")
			}
		}
		return nil
	})
	type key struct {
		node string
		gpu  int
	}
	forms := map[key]placement.Form{}
	slices := map[key]uint16{}
	bytes := map[key]topology.Bytes{}
	held := holdings(s.ctx, t, on...)
	for _, holding := range held {
		for _, device := range holding.Devices {
			at := key{holding.Node, device.Device.GPU}
			form, taken := forms[at]
			if taken && (form != device.Device.Form || form == placement.Whole) {
				t.Fatalf("GPU %v is %s and %s", at, form, device.Device.Form)
			}
			forms[at] = device.Device.Form
			switch device.Device.Form {
			case placement.MIG:
				mask := uint16(device.Device.Placement.Slices())
				if slices[at]&mask != 0 {
					t.Fatalf("memory slices %s of GPU %v are held twice: slices[at] & mask = %v, want none", device.Device.Placement, at, slices[at]&mask)
				}
				slices[at] |= mask
			case placement.Share:
				bytes[at] += device.Bytes
				if bytes[at] > device.Device.Memory {
					t.Fatalf("GPU %v promises more memory than it has: bytes[at] = %v, want at most %v", at, bytes[at], device.Device.Memory)
				}
			}
		}
	}
	if len(held) < 8 {
		t.Fatalf("too little ran for this to mean anything: len(held) = %v, want at least %v", len(held), 8)
	}
}
