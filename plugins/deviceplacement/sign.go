package deviceplacement

import (
	"context"
	"maps"
	"strings"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// SignPod implements fwk.SignPlugin. Beside what the in-tree plugin signs, pods that ask
// for a device plugin's GPUs are alike only if they start the same model server.
func (p *Plugin) SignPod(ctx context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	fragments, status := p.DynamicResources.SignPod(ctx, pod)
	if !status.IsSuccess() || !deviceplugin.AsksForGPUs(pod) {
		return fragments, status
	}
	fragments = append(fragments, fwk.SignFragment{Key: Name, Value: signedServer(pod)})
	if len(pod.Spec.Containers) > 1 { // each may have a server, on what it asks for itself
		limits := make([]v1.ResourceList, 0, len(pod.Spec.Containers))
		for i := range pod.Spec.Containers {
			limits = append(limits, pod.Spec.Containers[i].Resources.Limits)
		}
		fragments = append(fragments, fwk.SignFragment{Key: Name + "/containers", Value: limits})
	}
	return fragments, nil
}

// annotationPrefix begins the names of all annotations that say something of a model server.
const annotationPrefix = "ashlar.dev/"

// signedServer is all of a pod that its model server is read from.
func signedServer(pod *v1.Pod) launch.Pod {
	return modelmemory.LaunchPod(ownAnnotations(pod), &pod.Spec)
}

// ownAnnotations are a pod's annotations that say something of a model server.
func ownAnnotations(pod *v1.Pod) map[string]string {
	ours := maps.Clone(pod.Annotations)
	maps.DeleteFunc(ours, func(key, _ string) bool { return !strings.HasPrefix(key, annotationPrefix) })
	return ours
}
