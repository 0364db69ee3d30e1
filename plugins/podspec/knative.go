package podspec

import (
	"strconv"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
)

// readKnative reads Knative's Service, whose scale is said by annotations of its template.
func (r *workloadReader) readKnative() {
	template := r.decodeTemplate(r.findNode("spec", "template"), "spec.template")
	if template == nil {
		return
	}
	template.Faults = nil // a revision has fields that pods do not
	annotations := r.findNode("spec", "template", "metadata", "annotations")
	least := r.readScale(annotations, 0, "min-scale", "minScale")
	first := max(1, least, r.readScale(annotations, 1, "initial-scale", "initialScale"))
	w := r.addWorkload("", first, template)
	if most := r.readScale(annotations, 0, "max-scale", "maxScale"); most > 0 {
		w.Replicas = min(first, most)
		w.Scale = &ScaleRange{Min: least, Max: most}
	}
}

// readScale reads the first of some annotations of Knative's autoscaler that is there.
func (r *workloadReader) readScale(annotations *yamlfile.Node, without int, names ...string) int {
	for _, name := range names {
		value := annotations.Field("autoscaling.knative.dev/" + name)
		if value == nil {
			continue
		}
		number, err := strconv.Atoi(value.String())
		if err != nil || number < 0 || number > maxReplicas {
			r.reportError(value, "autoscaling.knative.dev/%s: %q, want a whole number of at most %d", name, value.String(), maxReplicas)
			return without
		}
		return number
	}
	return without
}
