package doctor

import (
	"fmt"
	"maps"
	"slices"
)

// checkRuntimeClasses looks for pods that name a RuntimeClass which there is not.
func checkRuntimeClasses(e *Evidence) checkOutcome {
	if e.Live == nil {
		return notChecked(noSnapshot)
	}
	if e.Live.RuntimeClasses == nil {
		return notChecked(notAllowed)
	}
	known := map[string]bool{}
	for _, class := range e.Live.RuntimeClasses {
		known[class.Name] = true
	}
	missing := map[string][]string{}
	asked := map[string]bool{}
	for _, pod := range e.Pods {
		name := pod.Spec.RuntimeClassName
		if name == nil {
			continue
		}
		asked[*name] = true
		if !known[*name] {
			missing[*name] = append(missing[*name], pod.Namespace+"/"+pod.Name)
		}
	}
	var o checkOutcome
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		o.findings = append(o.findings, ClusterFinding{
			Severity: Broken, Object: objectName("RuntimeClass", "", name),
			Cause: fmt.Sprintf("%d pods name it and it is not there (%s): their containers do not start",
				len(missing[name]), shortList(missing[name])),
			Remedy: fmt.Sprintf(`printf 'apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: %s}\nhandler: %s\n' | kubectl apply -f -`,
				name, name),
		})
	}
	o.well = fmt.Sprintf("%d, and pods name %d of them", len(known), len(asked))
	return o
}
