package modelmemory

import (
	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// ContainerServer is what a container runs that asks device plugins for GPUs.
type ContainerServer struct {
	Container *v1.Container
	// Server is its model server, nil if it runs none whose memory can be told.
	Server *Server
}

// SeparateServers are the containers with GPUs of a pod that runs several model servers, each on
// GPUs of its own: its container's limits tell whose they are. nil for any other pod.
func SeparateServers(pod *v1.Pod) []ContainerServer {
	parts := separateParts(pod)
	servers := make([]ContainerServer, 0, len(parts))
	for i := range parts {
		servers = append(servers, ContainerServer{Container: parts[i].container, Server: serverIn(pod, parts[i].launched)})
	}
	return servers
}

// launchPart is a part of a pod that runs one model server at most.
type launchPart struct {
	// container is the only one that asks for GPUs, nil if the part is the whole pod.
	container *v1.Container
	launched  launch.Pod
}

// partsOf are the parts of a pod, each with one model server at most; the pod itself if nothing
// tells its servers' GPUs apart.
func partsOf(pod *v1.Pod) []launchPart {
	if parts := separateParts(pod); parts != nil {
		return parts
	}
	return []launchPart{{launched: LaunchPod(pod.Annotations, &pod.Spec)}}
}

// LaunchParts is what package launch reads of a pod, for each of several model servers apart where
// their containers have GPUs of their own.
func LaunchParts(pod *v1.Pod) []launch.Pod {
	var all []launch.Pod
	for _, part := range partsOf(pod) {
		all = append(all, part.launched)
	}
	return all
}

// nameContainer puts the container before a text about a part of a pod.
func (p *launchPart) nameContainer(text string) string {
	if p.container == nil {
		return text
	}
	return "container " + p.container.Name + ": " + text
}

// oneServerAnnotations state what only one of several servers can have.
var oneServerAnnotations = []string{
	launch.ModelAnnotation, launch.EngineAnnotation, launch.MaxModelLenAnnotation, launch.GPUMemoryAnnotation,
}

// separateParts are the containers with GPUs of a pod of several model servers that have all of
// them limits of their own, and share no claim; nil for any other pod.
func separateParts(pod *v1.Pod) []launchPart {
	if len(pod.Spec.Containers) < 2 || len(pod.Spec.ResourceClaims) > 0 {
		return nil
	}
	for _, name := range oneServerAnnotations {
		if _, found := pod.Annotations[name]; found {
			return nil
		}
	}
	whole := LaunchPod(pod.Annotations, &pod.Spec)
	if len(whole.Containers) != len(pod.Spec.Containers) {
		return nil // init containers that go on beside the others
	}
	var parts []launchPart
	servers := 0
	for i, c := range whole.Containers {
		if c.GPUs == 0 {
			continue
		}
		part := launchPart{container: &pod.Spec.Containers[i], launched: whole}
		part.launched.Containers = []launch.Container{c}
		parts = append(parts, part)
		if reading, err := part.launched.Read(); err != nil || reading.IsServer() {
			servers++
		}
	}
	if servers < 2 {
		return nil
	}
	return parts
}
