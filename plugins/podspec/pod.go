package podspec

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// Pod is a pod, or the template of one, in a manifest.
type Pod struct {
	File string
	// Line is where its containers start.
	Line int
	// Object is the innermost object with a kind that it is in: "Deployment vllm". Part
	// tells pods of one object apart: "leaderTemplate" of a LeaderWorkerSet.
	Object, Part string
	// Annotations are its own and those of the objects that it is in; of one that several
	// have, the innermost counts.
	Annotations map[string]string
	// Replicas is how many of it the innermost object asks for that says so, the most of
	// those between which it scales; 0 if none does.
	Replicas int64
	// Scales says that an autoscaler that its object has sets their number.
	Scales bool
	// Notes say what about the pod its object does not tell. Joins says that its containers only
	// join a server that another pod of its group starts.
	Notes []string
	Joins bool
	// Together is how many pods its group has if a server may span them, and 0 otherwise.
	Together int
	// Spec has the pod's containers, init containers and volumes, whether it uses the host's
	// IPC namespace and environment variables of Services, and nothing else of it.
	Spec corev1.PodSpec
}

// ReadPods finds the pods of a manifest. The error joins those of single objects, and names file, line
// and object of each; the pods of the other objects are there all the same.
func ReadPods(file string, text []byte) ([]Pod, error) {
	objects, err := ReadObjects(file, text)
	faults := []error{err}
	var pods []Pod
	for i := range objects {
		found, err := objects[i].Pods()
		faults = append(faults, err)
		if err == nil {
			pods = append(pods, found...)
		}
	}
	return pods, errors.Join(faults...)
}

// Where names the pod for people: "deploy.yaml:12: Deployment vllm, leaderTemplate".
func (p *Pod) Where() string {
	name := fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Object)
	if p.Part != "" {
		name += ", " + p.Part
	}
	return name
}

// MIGProfiles are the profiles that the pod asks for by the names of NVIDIA's device
// plugin, as NVML spells them: "1g.10gb+me" for nvidia.com/mig-1g.10gb.me.
func (p *Pod) MIGProfiles() []string {
	var profiles []string
	for i := range p.Spec.Containers {
		for name := range p.Spec.Containers[i].Resources.Limits {
			if profile := deviceapi.ResourceProfile(string(name)); profile != "" {
				profiles = append(profiles, profile)
			}
		}
	}
	slices.Sort(profiles)
	return slices.Compact(profiles)
}
