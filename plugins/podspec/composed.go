package podspec

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// composedKinds are the kinds whose pods their operators make of fields that are none of a pod, or
// of which the pods of one object are told apart by the names that it gives them.
var composedKinds = []string{
	llmServiceKind, disaggregatedSetKind, "leaderworkerset.x-k8s.io/LeaderWorkerSet", "jobset.x-k8s.io/JobSet",
	"ray.io/RayCluster", "ray.io/RayJob", "ray.io/RayService",
	"kaito.sh/Workspace", "kaito.sh/InferenceSet", "kaito.sh/MultiRoleInference",
	"apps.nvidia.com/NIMService", "apps.nvidia.com/NIMPipeline", "apps.nvidia.com/NIMCache",
	"nvidia.com/DynamoGraphDeployment", "nvidia.com/DynamoComponentDeployment",
	"production-stack.vllm.ai/VLLMRuntime", "kubeai.org/Model",
}

// composedPods are the pods of an object of such a kind, one for each of its templates.
func (o *Object) composedPods() ([]Pod, error) {
	workloads, _, err := o.ReadWorkloads()
	var pods []Pod
	if len(workloads) > 0 && len(workloads[0].inner) > 0 {
		return o.innerPods(&workloads[0]), err
	}
	for i := range workloads {
		w := &workloads[i]
		for j := range w.Templates {
			template := &w.Templates[j]
			pod := Pod{
				File: o.File, Line: template.Line, Object: titleOf(o.Kind, o.Name), Part: joinPart(w.Part, template.part),
				Annotations: overlayMaps(textMap(nodeAt(o.root, "metadata", "annotations")), template.Annotations),
				Replicas:    int64(w.Replicas) * int64(max(1, template.PerReplica)), Notes: w.Notes, Joins: template.joins,
				Spec: corev1.PodSpec{Containers: template.Spec.Containers, InitContainers: template.Spec.InitContainers,
					Volumes: template.Spec.Volumes, HostIPC: template.Spec.HostIPC, EnableServiceLinks: template.Spec.EnableServiceLinks,
					NodeSelector: template.Spec.NodeSelector, ResourceClaims: template.Spec.ResourceClaims},
			}
			if slices.ContainsFunc(w.Templates, func(t PodTemplate) bool { return t.joins }) {
				pod.Together = w.PodsPerReplica()
			}
			if w.Scale != nil {
				pod.Replicas, pod.Scales = max(pod.Replicas, int64(w.Scale.Max)), w.Scale.Max > w.Scale.Min
			}
			pods = append(pods, pod)
		}
	}
	return pods, err
}

// innerPods are the servers that run inside of a workload's pods, each as if it had a pod of its own.
func (o *Object) innerPods(w *Workload) []Pod {
	var pods []Pod
	for i := range w.inner {
		s := &w.inner[i]
		pod := Pod{File: o.File, Line: s.Line, Object: titleOf(o.Kind, o.Name), Part: s.part, Replicas: int64(s.most), Spec: s.Spec,
			Scales:      s.most > s.least,
			Annotations: textMap(nodeAt(o.root, "metadata", "annotations"))}
		if s.note != "" {
			pod.Notes = append(pod.Notes, s.note)
		}
		pods = append(pods, pod)
	}
	for _, note := range w.Notes {
		if len(pods) > 0 && !strings.HasPrefix(note, rayRuns) {
			pods[0].Notes = append(pods[0].Notes, note)
		}
	}
	return pods
}

func joinPart(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ".")
}

// inPart names the template among those of one replica, and says whether its pods only join the
// server of the first.
func (t *PodTemplate) inPart(name string, joins bool) *PodTemplate {
	if t != nil {
		t.part, t.joins = name, joins
	}
	return t
}

// JoinsServer reports whether pods of the template only join the server that another pod of their group starts.
func (t *PodTemplate) JoinsServer() bool { return t.joins }

// vllmFlag is a setting of an object and the flag of vLLM that its operator makes of it.
type vllmFlag struct{ field, flag string }

// appendFlags adds the flags of the settings that a mapping has.
func appendFlags(words []string, n *yamlfile.Node, flags []vllmFlag) []string {
	for _, one := range flags {
		if value := n.Field(one.field); value != nil && value.Kind != yamlfile.KindNull && value.IsScalar() {
			words = append(words, one.flag+"="+value.String())
		}
	}
	return words
}

// textItems are the scalars of a sequence.
func textItems(n *yamlfile.Node) []string {
	var texts []string
	for _, item := range itemsOf(n) {
		if item.IsScalar() {
			texts = append(texts, item.String())
		}
	}
	return texts
}

// decodeContainer reads a mapping as a container, and decodes nothing else.
func (r *workloadReader) decodeContainer(n *yamlfile.Node, field string) corev1.Container {
	var container corev1.Container
	if n == nil || n.Kind != yamlfile.KindMapping {
		return container
	}
	w := podWalk{file: r.object.File, object: titleOf(r.object.Kind, r.object.Name)}
	if err := w.checkWords(n); err != nil && r.err == nil {
		r.err = err
	}
	if err := decodeNode(n, &container); err != nil {
		r.reportError(n, "%s: %w", field, err)
	}
	return container
}

// decodeResources reads limits and requests.
func (r *workloadReader) decodeResources(n *yamlfile.Node, field string) corev1.ResourceRequirements {
	var resources corev1.ResourceRequirements
	if n != nil && n.Kind == yamlfile.KindMapping {
		if err := decodeNode(n, &resources); err != nil {
			r.reportError(n, "%s: %w", field, err)
		}
	}
	return resources
}

// decodeEnv reads the variables of a container.
func (r *workloadReader) decodeEnv(n *yamlfile.Node, field string) []corev1.EnvVar {
	var env []corev1.EnvVar
	if n != nil && n.Kind == yamlfile.KindSequence {
		if err := decodeNode(n, &env); err != nil {
			r.reportError(n, "%s: %w", field, err)
		}
	}
	return env
}

// limitGPUs has a container ask for GPUs of a device plugin.
func limitGPUs(resources *corev1.ResourceRequirements, name string, count int64) {
	if count < 1 {
		return
	}
	if resources.Limits == nil {
		resources.Limits = corev1.ResourceList{}
	}
	resources.Limits[corev1.ResourceName(cmp.Or(name, deviceapi.GPUResource))] = *resource.NewQuantity(count, resource.DecimalSI)
}

// addSharedMemory mounts memory at /dev/shm, as operators of model servers do.
func addSharedMemory(spec *corev1.PodSpec, at int) {
	spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "dshm",
		VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}}})
	container := &spec.Containers[at]
	container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: "dshm", MountPath: "/dev/shm"})
}

// parseAmount reads a number of GPUs that an object has as text or as a number; 0 if it has none.
func (r *workloadReader) parseAmount(n *yamlfile.Node, field string) int64 {
	if n == nil || n.Kind == yamlfile.KindNull {
		return 0
	}
	count, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil || count < 0 || count > maxReplicas {
		r.reportError(n, "%s: %q, want a whole number", field, cmp.Or(n.String(), "a list or mapping"))
		return 0
	}
	return count
}

// lineAt is where a node starts, or else the object.
func (r *workloadReader) lineAt(n *yamlfile.Node) int {
	if n == nil {
		return r.object.Line
	}
	return n.Position.Line
}
