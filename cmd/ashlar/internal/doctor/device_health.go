package doctor

import (
	"fmt"
	"slices"
	"strings"

	resourceapi "k8s.io/api/resource/v1"
)

// checkDeviceHealth looks for devices that their driver keeps claims off.
func checkDeviceHealth(e *Evidence) checkOutcome {
	var o checkOutcome
	devices := 0
	for _, slice := range e.Slices {
		tainted := map[string][]string{}
		var keys []string
		for i := range slice.Spec.Devices {
			devices++
			for _, taint := range slice.Spec.Devices[i].Taints {
				if taint.Effect != resourceapi.DeviceTaintEffectNoSchedule && taint.Effect != resourceapi.DeviceTaintEffectNoExecute {
					continue
				}
				key := fmt.Sprintf("%s:%s", taint.Key, taint.Effect)
				if taint.Value != "" {
					key = fmt.Sprintf("%s=%s:%s", taint.Key, taint.Value, taint.Effect)
				}
				if tainted[key] == nil {
					keys = append(keys, key)
				}
				tainted[key] = append(tainted[key], slice.Spec.Devices[i].Name)
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			where := ""
			if slice.Spec.NodeName != nil {
				where = " on node " + *slice.Spec.NodeName
			}
			o.findings = append(o.findings, ClusterFinding{
				Severity: Warning, Object: objectName("ResourceSlice", "", slice.Name),
				Cause: fmt.Sprintf("%d of %d devices of %s%s are tainted %s (%s): no claim that does not tolerate it gets one",
					len(tainted[key]), len(slice.Spec.Devices), slice.Spec.Driver, where, key, shortList(tainted[key])),
				Remedy: fmt.Sprintf("nvidia-smi -q on the node says why; kubectl get resourceslice %s -o yaml has the taint", slice.Name),
			})
		}
	}
	o.well = fmt.Sprintf("none of %d published devices is tainted", devices)
	return o
}

// shortList names the first few.
func shortList(names []string) string {
	const most = 4
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
