package podspec

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
)

// workloadKinds are the kinds of objects whose pods are known, by group and kind, and how they
// are read. A new kind is a line here and a function.
var workloadKinds = map[string]func(*workloadReader){
	"/Pod":                   (*workloadReader).readPod,
	"/ReplicationController": (*workloadReader).readReplicas,
	"apps/Deployment":        (*workloadReader).readReplicas,
	"apps/ReplicaSet":        (*workloadReader).readReplicas,
	"apps/StatefulSet":       (*workloadReader).readStatefulSet,
	"apps/DaemonSet":         (*workloadReader).readDaemonSet,
	"batch/Job":              (*workloadReader).readJob,
	"batch/CronJob":          (*workloadReader).readCronJob,
	"keda.sh/ScaledJob":      (*workloadReader).readScaledJob,
	"argoproj.io/Rollout":    (*workloadReader).readRollout,

	"leaderworkerset.x-k8s.io/LeaderWorkerSet": (*workloadReader).readLeaderWorkerSet,
	disaggregatedSetKind:                       (*workloadReader).readDisaggregatedSet,
	"jobset.x-k8s.io/JobSet":                   (*workloadReader).readJobSet,
	"batch.volcano.sh/Job":                     (*workloadReader).readVolcanoJob,

	"serving.knative.dev/Service":       (*workloadReader).readKnative,
	"serving.knative.dev/Configuration": (*workloadReader).readKnative,

	"serving.kserve.io/InferenceService":    (*workloadReader).readInferenceService,
	"serving.kubeflow.org/InferenceService": (*workloadReader).refuseFormerService,
	llmServiceKind:                          (*workloadReader).readLLMService,

	"kubeflow.org/PyTorchJob": replicaSpecsReader("pytorchReplicaSpecs"),
	"kubeflow.org/TFJob":      replicaSpecsReader("tfReplicaSpecs"),
	"kubeflow.org/MPIJob":     replicaSpecsReader("mpiReplicaSpecs"),
	"kubeflow.org/XGBoostJob": replicaSpecsReader("xgbReplicaSpecs"),
	"kubeflow.org/PaddleJob":  replicaSpecsReader("paddleReplicaSpecs"),
	"kubeflow.org/JAXJob":     replicaSpecsReader("jaxReplicaSpecs"),

	"ray.io/RayCluster": rayReader("spec"),
	"ray.io/RayJob":     rayReader("spec", "rayClusterSpec"),
	"ray.io/RayService": (*workloadReader).readRayService,

	"kaito.sh/Workspace":          (*workloadReader).readKaitoWorkspace,
	"kaito.sh/InferenceSet":       (*workloadReader).readKaitoSet,
	"kaito.sh/MultiRoleInference": (*workloadReader).readKaitoRoles,

	"apps.nvidia.com/NIMService":  (*workloadReader).readNIMService,
	"apps.nvidia.com/NIMPipeline": (*workloadReader).readNIMPipeline,
	"apps.nvidia.com/NIMCache":    (*workloadReader).readNIMCache,

	"nvidia.com/DynamoGraphDeployment":     (*workloadReader).readDynamoGraph,
	"nvidia.com/DynamoComponentDeployment": (*workloadReader).readDynamoComponent,

	"production-stack.vllm.ai/VLLMRuntime": (*workloadReader).readVLLMRuntime,
	"kubeai.org/Model":                     (*workloadReader).readKubeAIModel,
}

func quantityOf(count int) *resource.Quantity {
	return resource.NewQuantity(int64(count), resource.DecimalSI)
}

func (r *workloadReader) readPod() {
	template := r.decodeTemplate(r.object.root, "pod")
	if template == nil {
		return
	}
	if template.Spec.NodeName != "" {
		r.reportError(nodeAt(r.findNode("spec"), "nodeName"),
			"spec.nodeName is set: such a pod passes every scheduler by; use a nodeSelector for kubernetes.io/hostname")
		return
	}
	template.Faults = nil // status and the like are no fields of a template
	r.addWorkload("", 1, template)
}

func (r *workloadReader) readReplicas() {
	r.addWorkload("", r.readNumber(r.findNode("spec"), "replicas", 1), r.decodeTemplate(r.findNode("spec", "template"), "spec.template"))
}

func (r *workloadReader) readStatefulSet() {
	template := r.decodeTemplate(r.findNode("spec", "template"), "spec.template")
	first := r.readNumber(r.findNode("spec", "ordinals"), "start", 0)
	r.addWorkload("", r.readNumber(r.findNode("spec"), "replicas", 1), template.nameAfter(r.object.Name, first, -1))
}

func (r *workloadReader) readDaemonSet() {
	r.reportError(nil, "a DaemonSet has a pod on every node: ask about one of them, as a Pod")
}

// readParallel is how many pods of a Job run at the same time.
func (r *workloadReader) readParallel(spec *yamlfile.Node) int {
	pods := r.readNumber(spec, "parallelism", 1)
	return min(pods, r.readNumber(spec, "completions", pods))
}

func (r *workloadReader) readJob() {
	r.addWorkload("", r.readParallel(r.findNode("spec")), r.decodeTemplate(r.findNode("spec", "template"), "spec.template"))
}

func (r *workloadReader) readCronJob() {
	job := r.findNode("spec", "jobTemplate", "spec")
	r.addWorkload("", r.readParallel(job), r.decodeTemplate(job.Field("template"), "spec.jobTemplate.spec.template"))
}

// readScaledJob reads KEDA's Jobs, of which it makes one for each item of work.
func (r *workloadReader) readScaledJob() {
	spec := r.findNode("spec")
	job := spec.Field("jobTargetRef")
	template := r.decodeTemplate(job.Field("template"), "spec.jobTargetRef.template")
	least := r.readNumber(spec, "minReplicaCount", 0)
	w := r.addWorkload("", max(1, least), template.withCount(r.readParallel(job)))
	w.Scale = &ScaleRange{Min: least, Max: r.readNumber(spec, "maxReplicaCount", 100)}
}

// readRollout reads Argo's Rollout, which may take its pods from a Deployment.
func (r *workloadReader) readRollout() {
	if of := r.findNode("spec", "workloadRef"); of != nil && r.findNode("spec", "template") == nil {
		w := r.addWorkload("", 0)
		w.Notes = append(w.Notes, fmt.Sprintf("its pods are those of %s", titleOf(of.Field("kind").String(), of.Field("name").String())))
		return
	}
	r.readReplicas()
}

// readJobSet reads sets of Jobs that start together.
func (r *workloadReader) readJobSet() {
	jobs := itemsOf(r.findNode("spec", "replicatedJobs"))
	if len(jobs) == 0 {
		r.reportError(r.findNode("spec"), "spec.replicatedJobs: no jobs in it")
	}
	for i, job := range jobs {
		field := fmt.Sprintf("spec.replicatedJobs[%d].template.spec", i)
		spec := nodeAt(job, "template", "spec")
		name := job.Field("name").String()
		template := r.decodeTemplate(spec.Field("template"), field+".template")
		r.addWorkload(name, r.readNumber(job, "replicas", 1),
			template.withCount(r.readParallel(spec)).nameAfter(joinName(r.object.Name, name), 0, 0))
	}
}

// readVolcanoJob reads the tasks of a Job of Volcano.
func (r *workloadReader) readVolcanoJob() {
	tasks := itemsOf(r.findNode("spec", "tasks"))
	if len(tasks) == 0 {
		r.reportError(r.findNode("spec"), "spec.tasks: no tasks in it")
	}
	for i, task := range tasks {
		template := r.decodeTemplate(task.Field("template"), fmt.Sprintf("spec.tasks[%d].template", i))
		if name := r.findNode("spec", "schedulerName").String(); name != "" && template != nil && template.Spec.SchedulerName == "" {
			template.Spec.SchedulerName = name
		}
		name := task.Field("name").String()
		r.addWorkload(name, r.readNumber(task, "replicas", 1), template.nameAfter(joinName(r.object.Name, name), 0, -1))
	}
}

// replicaSpecsReader reads the jobs of Kubeflow's training operator, which name their replicas by
// what they do.
func replicaSpecsReader(field string) func(*workloadReader) {
	return func(r *workloadReader) {
		specs := r.findNode("spec", field)
		if specs == nil {
			r.reportError(nil, "spec.%s: no pods in it", field)
			return
		}
		for _, role := range specs.Fields {
			name := strings.ToLower(role.Name)
			template := r.decodeTemplate(role.Value.Field("template"), "spec."+field+"."+role.Name+".template")
			r.addWorkload(name, r.readNumber(role.Value, "replicas", 1), template.nameAfter(joinName(r.object.Name, name), 0, -1))
		}
	}
}

func itemsOf(n *yamlfile.Node) []*yamlfile.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

// joinName joins the parts of a name that there are.
func joinName(parts ...string) string {
	var there []string
	for _, part := range parts {
		if part != "" {
			there = append(there, part)
		}
	}
	return strings.Join(there, "-")
}
