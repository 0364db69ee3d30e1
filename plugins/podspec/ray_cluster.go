package podspec

import (
	"fmt"
	"strings"
)

// rayReader reads a Ray cluster, which is at a path of its object, unless the object selects one.
func rayReader(path ...string) func(*workloadReader) {
	return func(r *workloadReader) {
		spec, field := r.findNode(path...), strings.Join(path, ".")
		if spec == nil && r.findNode("spec", "clusterSelector") != nil {
			return // it runs in a cluster that is there, whose pods are made of another object
		}
		if spec == nil {
			r.reportError(nil, "%s: no Ray cluster in it", field)
			return
		}
		head := r.decodeTemplate(nodeAt(spec, "headGroupSpec", "template"), field+".headGroupSpec.template")
		r.addWorkload("head", 1, head.nameAfter(joinName(r.object.Name, "head"), -1, -1))
		scales := spec.Field("enableInTreeAutoscaling").String() == "true"
		for i, group := range itemsOf(spec.Field("workerGroupSpecs")) {
			name := group.Field("groupName").String()
			template := r.decodeTemplate(group.Field("template"), fmt.Sprintf("%s.workerGroupSpecs[%d].template", field, i))
			least := r.readNumber(group, "minReplicas", 0)
			replicas := r.readNumber(group, "replicas", least)
			hosts := max(1, r.readNumber(group, "numOfHosts", 1))
			w := r.addWorkload(name, replicas, template.withCount(hosts).nameAfter(joinName(r.object.Name, name, "worker"), 0, -1))
			if most := r.readNumber(group, "maxReplicas", replicas); scales && most > replicas {
				w.Scale = &ScaleRange{Min: least, Max: most}
			}
		}
	}
}
