package podspec

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

const (
	// rayLLM begins the import paths of Ray Serve's own applications for language models.
	rayLLM  = "ray.serve.llm"
	rayRuns = "Ray Serve runs"
)

// readRayService reads a RayService: a Ray cluster, and the applications that Ray Serve runs in it.
func (r *workloadReader) readRayService() {
	rayReader("spec", "rayClusterConfig")(r)
	text := r.findNode("spec", "serveConfigV2")
	if text == nil || r.err != nil || len(r.found) == 0 {
		return
	}
	config := text
	if text.IsScalar() {
		config = r.parseInner(text.String())
	}
	if config == nil {
		r.found[0].Notes = append(r.found[0].Notes, "serveConfigV2 could not be read: its applications were not looked at")
		return
	}
	for _, application := range itemsOf(config.Field("applications")) {
		r.readRayApplication(application, text.Position.Line)
	}
	r.placeRayServer()
}

// rayServer is a model server that Ray Serve starts in the pods of a cluster.
type rayServer struct {
	name, model  string
	args         []string
	gpus         int64
	least, most  int
	image, notes string
}

// readRayApplication reads an application: of Ray Serve for language models, or of somebody's own
// Python, which only its variables tell something about.
func (r *workloadReader) readRayApplication(n *yamlfile.Node, line int) {
	name, path, args := n.Field("name").String(), n.Field("import_path").String(), n.Field("args")
	head := &r.found[0]
	if !strings.HasPrefix(path, rayLLM) && args.Field("llm_configs") == nil {
		r.readOwnApplication(n, line)
		return
	}
	configs := slices.Clone(itemsOf(args.Field("llm_configs")))
	for _, field := range []string{"llm_config", "prefill_config", "decode_config"} {
		if config := args.Field(field); config != nil {
			configs = append(configs, config)
		}
	}
	for i, config := range configs {
		if config.Kind != yamlfile.KindMapping {
			head.Notes = append(head.Notes,
				fmt.Sprintf("llm_configs[%d] of application %s is in %s, which is not in the file", i, name, config.String()))
			continue
		}
		r.addRayServer(r.readLLMConfig(config), line)
	}
}

// readLLMConfig reads one LLMConfig of Ray Serve (ray, python/ray/llm/_internal/serve).
func (r *workloadReader) readLLMConfig(n *yamlfile.Node) *rayServer {
	loading, kwargs := n.Field("model_loading_config"), n.Field("engine_kwargs")
	server := &rayServer{name: loading.Field("model_id").String(), least: 1, most: 1}
	switch source := loading.Field("model_source"); {
	case source == nil || source.Kind == yamlfile.KindNull:
		server.model = server.name
	case source.IsScalar():
		server.model = source.String()
	default:
		server.model = cmp.Or(source.Field("bucket_uri").String(), server.name)
	}
	server.args = settingFlags(kwargs)
	if nodeAt(n, "lora_config", "dynamic_lora_loading_path") != nil {
		server.args = append(server.args, "--enable-lora")
	}
	server.gpus = 1
	for _, degree := range []string{"tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size"} {
		server.gpus = min(maxReplicas, server.gpus*int64(max(1, r.readNumber(kwargs, degree, 1))))
	}
	deployment := n.Field("deployment_config")
	if scaling := deployment.Field("autoscaling_config"); scaling != nil {
		server.least = r.readNumber(scaling, "min_replicas", 1)
		server.most = max(server.least, r.readNumber(scaling, "max_replicas", 1))
	} else {
		server.least = r.readNumber(deployment, "num_replicas", 1)
		server.most = server.least
	}
	return server
}

// readOwnApplication reads what the variables and requirements of an application tell of the model
// server that its code starts.
func (r *workloadReader) readOwnApplication(n *yamlfile.Node, line int) {
	head := &r.found[0]
	variables := nodeAt(n, "runtime_env", "env_vars")
	server := &rayServer{name: n.Field("name").String(), gpus: 1, least: 1, most: 1}
	for _, name := range []string{"MODEL_ID", "MODEL_NAME", "MODEL", "HF_MODEL_ID"} {
		server.model = cmp.Or(server.model, variables.Field(name).String())
	}
	for _, name := range []string{"TENSOR_PARALLELISM", "TENSOR_PARALLEL_SIZE", "TP_SIZE"} {
		if size, err := strconv.Atoi(variables.Field(name).String()); err == nil && size > 0 && size <= maxReplicas {
			server.gpus = int64(size)
			server.args = []string{"--tensor-parallel-size=" + strconv.Itoa(size)}
		}
	}
	release, isVLLM := "", false
	for _, requirement := range textItems(nodeAt(n, "runtime_env", "pip")) {
		if name, version, _ := strings.Cut(requirement, "=="); name == "vllm" {
			release, isVLLM = version, true
		}
	}
	if !isVLLM || server.model == "" {
		head.Notes = append(head.Notes,
			fmt.Sprintf("application %s is Python of %s: which model it serves, and with which engine, is not in the file",
				server.name, n.Field("import_path").String()))
		return
	}
	if release != "" {
		server.image = "vllm/vllm-openai:v" + release
	}
	server.notes = fmt.Sprintf("application %s is Python of %s: its model and tensor parallel degree are those of its env_vars, "+
		"its engine is that of its requirements, and what else it tells vLLM is not in the file", server.name, n.Field("import_path").String())
	r.addRayServer(server, line)
}

// addRayServer adds a server to those that run inside of the cluster's pods.
func (r *workloadReader) addRayServer(s *rayServer, line int) {
	head := &r.found[0]
	image := s.image
	for i := range r.found {
		for j := range r.found[i].Templates {
			for k := range r.found[i].Templates[j].Spec.Containers {
				if c := &r.found[i].Templates[j].Spec.Containers[k]; image == "" && countDevices(c) > 0 {
					image = c.Image
				}
			}
		}
	}
	t := PodTemplate{Line: line, PerReplica: 1, part: s.name}
	t.Spec.Containers = []corev1.Container{{Name: "engine", Image: image, Command: append([]string{"vllm", "serve", s.model}, s.args...)}}
	limitGPUs(&t.Spec.Containers[0].Resources, "", s.gpus)
	addSharedMemory(&t.Spec, 0)
	// The engine's processes may be on several pods of the cluster.
	addGroupEnvironment(&t.Spec, corev1.EnvVar{Name: "LWS_GROUP_SIZE", Value: "1"})
	head.inner = append(head.inner, innerServer{PodTemplate: t, least: s.least, most: s.most, gpus: s.gpus, note: s.notes})
}

// innerServer is a model server that runs inside of the pods of a workload, and not as what their
// containers start.
type innerServer struct {
	PodTemplate
	least, most int
	gpus        int64
	note        string
}

// placeRayServer says where the servers run. Of a single one that takes all GPUs of each pod of a single
// group, the pods are known to run it.
func (r *workloadReader) placeRayServer() {
	head := &r.found[0]
	var groups []*Workload
	room := int64(0)
	for i := range r.found {
		w := &r.found[i]
		for j := range w.Templates {
			if each := templateDevices(&w.Templates[j]); each > 0 {
				groups = append(groups, w)
				most := w.Replicas
				if w.Scale != nil {
					most = w.Scale.Max
				}
				room += each * int64(most) * int64(w.Templates[j].PerReplica)
			}
		}
	}
	wanted := int64(0)
	for i := range head.inner {
		s := &head.inner[i]
		wanted += s.gpus * int64(s.most)
		head.Notes = append(head.Notes, s.describePlace())
	}
	if wanted > room && len(head.inner) > 0 {
		more := "raise maxReplicas of a worker group"
		if !slices.ContainsFunc(groups, func(w *Workload) bool { return w.Scale != nil }) {
			more = "raise replicas of a worker group, or set enableInTreeAutoscaling and its maxReplicas"
		}
		head.Notes = append(head.Notes,
			fmt.Sprintf("its servers take up to %d GPUs, and its pods have at most %d: %s, or lower the servers' replicas", wanted, room, more))
	}
	if len(head.inner) != 1 || len(groups) != 1 || len(groups[0].Templates) != 1 {
		return
	}
	only, t := &head.inner[0], &groups[0].Templates[0]
	if templateDevices(t) != only.gpus {
		return
	}
	for i := range t.Spec.Containers {
		if c := &t.Spec.Containers[i]; countDevices(c) > 0 {
			c.Command, c.Args = only.Spec.Containers[0].Command, nil
		}
	}
}

// describePlace says what a server takes of the pods in which it runs.
func (s *innerServer) describePlace() string {
	replicas := fmt.Sprintf("%d times", s.most)
	switch {
	case s.least != s.most:
		replicas = fmt.Sprintf("%d to %d times", s.least, s.most)
	case s.most == 1:
		replicas = "once"
	}
	each := "1 GPU"
	if s.gpus != 1 {
		each = fmt.Sprintf("%d GPUs", s.gpus)
	}
	return fmt.Sprintf(rayRuns+" %s on %s %s inside of its pods", s.Spec.Containers[0].Command[2], each, replicas)
}

// countDevices is how many GPUs a container asks for.
func countDevices(c *corev1.Container) int64 {
	count := int64(0)
	for name, quantity := range c.Resources.Limits {
		if deviceapi.IsAnyGPUResource(string(name)) {
			count += min(maxReplicas, quantity.Value())
		}
	}
	return count
}

func templateDevices(t *PodTemplate) int64 {
	count := int64(0)
	for i := range t.Spec.Containers {
		count += countDevices(&t.Spec.Containers[i])
	}
	return count
}
