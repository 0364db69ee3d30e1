package nodedriver

import (
	"testing"

	"github.com/ashlar-dev/ashlar/dra"
)

// What an earlier driver published in a form that is no longer published is known by its
// name, so that a claim which holds it can be prepared.
func TestFormsNarrowPublicationOnly(t *testing.T) {
	devices, _ := testGPUs(t, "dgx-h100")
	devices.forms = []dra.DeviceForm{dra.FormGPU}
	devices.refresh(t.Context())
	if got := countForms(devices.list(), 0); got[dra.FormGPU] != 1 || got[dra.FormMIG] > 0 || got[dra.FormShare] > 0 {
		t.Errorf("published of GPU 0: %v, want one whole GPU", got)
	}
	if _, known := devices.named()["gpu-0-share"]; !known {
		t.Error("gpu-0-share cannot be prepared any more")
	}
}
