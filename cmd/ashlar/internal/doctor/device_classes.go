package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// checkDeviceClasses looks for DeviceClasses of published GPUs that are missing, and for two that serve
// one extended resource.
func checkDeviceClasses(e *Evidence) checkOutcome {
	var o checkOutcome
	published := map[string]int{}
	for _, slice := range e.Slices {
		published[slice.Spec.Driver] += len(slice.Spec.Devices)
	}
	for _, driver := range []string{deviceapi.Driver, deviceapi.NVIDIADriver} {
		if published[driver] == 0 || e.hasClassOf(driver) {
			continue
		}
		remedy := "kubectl apply -k manifests/driver"
		if driver == deviceapi.NVIDIADriver {
			remedy = "install NVIDIA's DRA driver whole: helm upgrade --install nvidia-dra-driver-gpu ..."
		}
		o.findings = append(o.findings, ClusterFinding{
			Severity: Broken, Object: objectName("DeviceClass", "", driver),
			Cause: fmt.Sprintf("%s publishes %d devices and no DeviceClass selects them, so that no claim can ask for one",
				driver, published[driver]),
			Remedy: remedy,
		})
	}
	serving := map[string][]string{}
	for _, class := range e.Classes {
		if name := class.Spec.ExtendedResourceName; name != nil && *name != "" {
			serving[*name] = append(serving[*name], class.Name)
		}
	}
	for _, resource := range slices.Sorted(maps.Keys(serving)) {
		names := serving[resource]
		if len(names) < 2 {
			continue
		}
		slices.Sort(names)
		o.findings = append(o.findings, ClusterFinding{
			Severity: Broken, Object: objectName("DeviceClass", "", names[0]),
			Cause: fmt.Sprintf("%d DeviceClasses serve the extended resource %s (%s): the one that was created last gets every pod that asks for it",
				len(names), resource, strings.Join(names, ", ")),
			Remedy: fmt.Sprintf(`keep one: kubectl patch deviceclass %s --type=json -p '[{"op":"remove","path":"/spec/extendedResourceName"}]'`,
				names[len(names)-1]),
		})
	}
	o.well = fmt.Sprintf("%d, each extended resource served by one of them", len(e.Classes))
	return o
}

// hasClassOf reports whether a DeviceClass selects devices of a driver.
func (e *Evidence) hasClassOf(driver string) bool {
	for _, class := range e.Classes {
		if class.Name == driver {
			return true
		}
		for _, selector := range class.Spec.Selectors {
			if selector.CEL != nil && strings.Contains(selector.CEL.Expression, driver) {
				return true
			}
		}
	}
	return false
}
