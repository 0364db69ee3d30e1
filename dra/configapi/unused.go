package configapi

import (
	"fmt"
	"slices"
	"strings"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/dra"
)

// RequestDevice is the form of device that was allocated for a request: "name" or
// "name/subrequest".
type RequestDevice struct {
	Request string
	Form    dra.DeviceForm
}

// FindUnusedConfig fails if an entry of the claim is for a form of device of which the claim
// was allocated none, while a device to which the entry applies has no other of the claim:
// then whoever wrote it believes that it counts. Subrequests are alternatives, for which there
// are entries that do not count.
func FindUnusedConfig(configs []resourceapi.DeviceAllocationConfiguration, driver string, devices []RequestDevice) error {
	forms := make([]dra.DeviceForm, len(configs)) // "" for entries that are no matter here
	for i, entry := range configs {
		if entry.Source != resourceapi.AllocationConfigSourceClaim || entry.Opaque == nil || entry.Opaque.Driver != driver {
			continue
		}
		if decoded, err := Decode(entry.Opaque.Parameters.Raw); err == nil { // ResolveConfig tells of errors
			forms[i] = decoded.Form
		}
	}
	applies := func(i int, device RequestDevice) bool {
		return forms[i] != "" && appliesTo(configs[i].Requests, device.Request)
	}
	served := func(device RequestDevice) bool {
		for i := range configs {
			if applies(i, device) && forms[i] == device.Form {
				return true
			}
		}
		return false
	}
	for i, entry := range configs {
		used := func(device RequestDevice) bool { return applies(i, device) && forms[i] == device.Form }
		if slices.ContainsFunc(devices, used) {
			continue
		}
		for _, device := range devices {
			if applies(i, device) && !served(device) && !strings.Contains(device.Request, "/") {
				return fmt.Errorf("status.allocation.devices.config[%d] (%s%s): it is for %s, but request %s was allocated %s: use %s",
					i, sourceName(entry.Source), requestList(entry.Requests), formName[forms[i]], device.Request, formName[device.Form],
					kindOf[device.Form])
			}
		}
	}
	return nil
}
