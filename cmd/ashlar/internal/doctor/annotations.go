package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/plugins/admission"
	"github.com/ashlar-dev/ashlar/topology/nearest"
)

const ourPrefix = "ashlar.dev/"

// readAnnotations are all annotations under our prefix that our programs read or write: the webhook warns of others, too.
var readAnnotations = admission.PodAnnotations

// checkAnnotations looks for annotations under our prefix that nothing reads, such as misspelt ones.
func checkAnnotations(e *Evidence) checkOutcome {
	unknown := map[string][]string{}
	known := 0
	note := func(object string, annotations map[string]string) {
		for key := range annotations {
			switch {
			case !strings.HasPrefix(key, ourPrefix):
			case slices.Contains(readAnnotations, key) || strings.HasPrefix(key, "ashlar.dev/webhook"):
				known++
			default:
				unknown[key] = append(unknown[key], object)
			}
		}
	}
	for _, pod := range e.Pods {
		note(objectName("Pod", pod.Namespace, pod.Name), pod.Annotations)
	}
	for _, group := range e.PodGroups {
		note(objectName("PodGroup", group.Namespace, group.Name), group.Annotations)
	}
	for _, class := range e.Priorities {
		note(objectName("PriorityClass", "", class.Name), class.Annotations)
	}
	o := checkOutcome{well: fmt.Sprintf("all %d under %s are read", known, ourPrefix)}
	for _, key := range slices.Sorted(maps.Keys(unknown)) {
		objects := unknown[key]
		slices.Sort(objects)
		remedy := "take it off what makes the object: docs/sizing.md has those that are read"
		if near := nearest.Names(key, readAnnotations); len(near) > 0 {
			remedy = fmt.Sprintf("write %s in what makes the object", near[0])
		}
		o.findings = append(o.findings, ClusterFinding{
			Severity: Warning, Object: objects[0],
			Cause:  fmt.Sprintf("annotation %s of %d objects (%s) is read by nothing", key, len(objects), shortList(objects)),
			Remedy: remedy,
		})
	}
	return o
}
