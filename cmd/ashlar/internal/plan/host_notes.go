package plan

import (
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
	"github.com/ashlar-dev/ashlar/plugins/serverhost"
)

// manifestNeighbours are the objects of a manifest that bear on its pods.
type manifestNeighbours struct {
	serverhost.NeighbourObjects
	// scaled is up to how many pods an autoscaler brings an object: "Deployment web".
	// templates are the claims of which each of its pods gets its own.
	scaled    map[string]int64
	templates map[string]map[string]*corev1.PersistentVolumeClaim
}

// readNeighbours reads them. An object that cannot be read is left out: it may be of
// another version, and stops nothing that is known here.
func readNeighbours(objects []podspec.Object) manifestNeighbours {
	found := manifestNeighbours{
		NeighbourObjects: serverhost.NeighbourObjects{Claims: map[string]*corev1.PersistentVolumeClaim{}, Services: map[string]bool{}},
		scaled:           map[string]int64{},
		templates:        map[string]map[string]*corev1.PersistentVolumeClaim{},
	}
	for i := range objects {
		o := &objects[i]
		switch o.Kind {
		case "PersistentVolumeClaim":
			var claim corev1.PersistentVolumeClaim
			if decodeObject(o, &claim) {
				found.Claims[o.Name] = &claim
			}
		case "StatefulSet":
			var set appsv1.StatefulSet
			if decodeObject(o, &set) {
				own := map[string]*corev1.PersistentVolumeClaim{}
				for i := range set.Spec.VolumeClaimTemplates {
					own[set.Spec.VolumeClaimTemplates[i].Name] = &set.Spec.VolumeClaimTemplates[i]
				}
				found.templates["StatefulSet "+o.Name] = own
			}
		case "Service":
			found.Services[o.Name] = true
		case "HorizontalPodAutoscaler":
			var scaler autoscalingv2.HorizontalPodAutoscaler
			if decodeObject(o, &scaler) {
				target := scaler.Spec.ScaleTargetRef
				found.scaled[target.Kind+" "+target.Name] = int64(scaler.Spec.MaxReplicas)
			}
		}
	}
	return found
}

func decodeObject(o *podspec.Object, into any) bool {
	text, err := o.AsJSON()
	return err == nil && json.Unmarshal(text, into) == nil
}

// addHostNotes notes what will stop or slow the pod's server beside its GPUs.
func (q *serverQuestion) addHostNotes(pod *manifestPod, neighbours *manifestNeighbours) {
	server := serverhost.ModelServer{
		Pod: &pod.Spec, Launch: q.Launch, Model: pod.reading.Model, Weights: q.Model.Loaded(),
		Replicas: max(pod.Replicas, neighbours.scaled[pod.Object]), Neighbours: neighbours.NeighbourObjects,
	}
	server.Neighbours.Templates = neighbours.templates[pod.Object]
	for i := range pod.Spec.Containers {
		if c := &pod.Spec.Containers[i]; c.Name == pod.reading.Container {
			server.Container = c
			q.notes = append(q.notes, server.HostNotes()...)
			return
		}
	}
}
