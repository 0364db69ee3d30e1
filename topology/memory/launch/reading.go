package launch

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// EnvVar is one entry of a container's env, in the order of the pod.
type EnvVar struct {
	Name, Value string
	// From says where the value is kept if it is not in the pod: "configMapKeyRef
	// settings/length". Value is then not looked at.
	From string
}

// Container is what a pod says about one container.
type Container struct {
	Name, Image string
	// Command replaces the image's entrypoint, Args its arguments, as in Kubernetes.
	Command, Args []string
	Env           []EnvVar
	// GPUs is how many GPUs the container asks for, 0 if that is not known.
	GPUs int64
	// Files are the configuration files that the caller knows, parsed, by the path at
	// which the container sees them. Others are taken to be out of reach.
	Files map[string]map[string]any
	// Engine forces the engine where neither program nor image names it, "" for none.
	// Arguments that begin with a dash are then read as that engine's.
	Engine memory.Engine
}

// Pod is a pod, as far as its model server goes.
type Pod struct {
	Containers     []Container
	InitContainers []Container
	Annotations    map[string]string
}

// Reading is what a container says about its model server.
type Reading struct {
	// Server is the program: "vllm", "triton", "ollama"; "" if there is no model
	// server. Launch.Engine is set if its accounting is known too.
	Server string
	// Container is the container's name.
	Container string
	// Model is the model's name on the Hugging Face hub, "" if that is unknown.
	Model  string
	Launch memory.Launch
	// Overrides are changes to the model's config.json, as JSON values: vLLM's
	// --hf-overrides, SGLang's --json-model-override-args.
	Overrides map[string]any

	// GPUMemory is how much memory the pod says it needs on each GPU, 0 for not
	// stated. It stands above everything else here.
	GPUMemory topology.Bytes
	// Concurrency is how many requests the pod wants room for, and Context how many
	// tokens each of them has; 0 for not stated.
	Concurrency, Context int64

	// Explicit says where each field was set: "args[2]: --max-model-len 32k".
	Explicit map[Field]string
	// Unknown are the fields that the pod does not settle. Such a field has the value
	// that is stated or the engine's default, and need not be so when the pod runs.
	Unknown []Unknown
	// Contradictions are statements that cannot all hold, and what to do about them.
	Contradictions []string
	// TooFewGPUs is the one of them that says that the server cannot start on the GPUs that
	// its container asks for, "" if it can.
	TooFewGPUs string
	// Unrecognised are flags that this package has not heard of. They are taken to be
	// without effect on memory.
	Unrecognised []string
}

// Unknown is one field of a Reading that cannot be told from the pod, and why.
type Unknown struct {
	Field   Field
	Because string
}

// IsServer reports whether a model server was found.
func (r Reading) IsServer() bool { return r.Server != "" }

// IsKnown reports whether the pod settles the field, or leaves it to the engine's default.
func (r Reading) IsKnown(field Field) bool {
	return !slices.ContainsFunc(r.Unknown, func(u Unknown) bool { return u.Field == field })
}

// markUnknown adds an Unknown unless the same is there already.
func (r *Reading) markUnknown(field Field, because string) {
	u := Unknown{field, because}
	if !slices.Contains(r.Unknown, u) {
		r.Unknown = append(r.Unknown, u)
	}
}

// markKnown takes back what was unknown about a field.
func (r *Reading) markKnown(field Field, where string) {
	r.Unknown = slices.DeleteFunc(r.Unknown, func(u Unknown) bool { return u.Field == field })
	r.Explicit[field] = where
}

// Read finds the model server that a container starts and reads its settings. A
// container that starts none gives a Reading whose IsServer is false. Errors are
// settings that the server would refuse, and text beyond the bounds of MaxText.
func Read(c Container) (Reading, error) {
	return readContainer(c, nil)
}
