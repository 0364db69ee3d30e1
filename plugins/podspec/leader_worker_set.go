package podspec

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
)

// readLeaderWorkerSet reads groups of one leader and size-1 workers.
func (r *workloadReader) readLeaderWorkerSet() {
	r.readGroups("", r.object.Name, "spec", r.findNode("spec"))
}

// readGroups reads the spec of a LeaderWorkerSet, which is at a field of the object.
func (r *workloadReader) readGroups(part, prefix, field string, spec *yamlfile.Node) *Workload {
	group := spec.Field(groupTemplate)
	size := max(1, r.readNumber(group, "size", 1))
	worker := group.Field("workerTemplate")
	leader, leaderPart := group.Field("leaderTemplate"), "leaderTemplate"
	if leader == nil {
		leader, leaderPart = worker, "workerTemplate"
	}
	field += "." + groupTemplate
	return r.addWorkload(part, r.readNumber(spec, "replicas", 1),
		r.decodeTemplate(leader, field+".leaderTemplate").inGroup(prefix, size).nameAfter(prefix, 0, -1).inPart(leaderPart, false),
		r.decodeTemplate(worker, field+".workerTemplate").inGroup(prefix, size).withCount(size-1).nameAfter(prefix, 0, 1).
			inPart("workerTemplate", true))
}

// disaggregatedSetKind is the kind of sets of LeaderWorkerSets, such as one for prefill and one that
// decodes (kubernetes-sigs/lws@67b80a6).
const disaggregatedSetKind = "disaggregatedset.x-k8s.io/DisaggregatedSet"

func (r *workloadReader) readDisaggregatedSet() {
	roles := itemsOf(r.findNode("spec", "roles"))
	if len(roles) == 0 {
		r.reportError(r.findNode("spec"), "spec.roles: no roles in it")
	}
	for i, role := range roles {
		name := role.Field("name").String()
		w := r.readGroups(name, joinName(r.object.Name, name), fmt.Sprintf("spec.roles[%d].spec", i), role.Field("spec"))
		w.Replicas = r.readNumber(role, "replicas", w.Replicas)
	}
}

// groupTemplate is where a LeaderWorkerSet has the templates of its pods.
const groupTemplate = "leaderWorkerTemplate"

// inGroup is a template with what LeaderWorkerSet's webhook adds.
func (t *PodTemplate) inGroup(name string, size int) *PodTemplate {
	if t != nil {
		addGroupEnvironment(&t.Spec, corev1.EnvVar{Name: "LWS_GROUP_SIZE", Value: strconv.Itoa(size)},
			corev1.EnvVar{Name: "LWS_LEADER_ADDRESS", Value: name + "-0." + name})
	}
	return t
}

// addGroupEnvironment adds the environment that LeaderWorkerSet's webhook gives the containers of a group: by it
// a server is known to be spread over the GPUs of several pods. What is not given only the running pod knows.
func addGroupEnvironment(spec *corev1.PodSpec, given ...corev1.EnvVar) {
	if len(given) == 0 {
		source := &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['leaderworkerset.sigs.k8s.io/size']"}}
		given = []corev1.EnvVar{{Name: "LWS_GROUP_SIZE", ValueFrom: source}}
	}
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			containers[i].Env = append(containers[i].Env, given...)
		}
	}
}
