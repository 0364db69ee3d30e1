package plan

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/podspec"
	"github.com/ashlar-dev/ashlar/plugins/serverhost"
	"github.com/ashlar-dev/ashlar/topology"
)

// manifestNeighbours are the objects of a manifest that bear on its pods.
type manifestNeighbours struct {
	serverhost.NeighbourObjects
	// scaled is up to how many pods an autoscaler brings an object: "Deployment web".
	// templates are the claims of which each of its pods gets its own.
	scaled map[string]int64
	// scalers name the autoscaler of an object: "HorizontalPodAutoscaler web".
	scalers   map[string]string
	templates map[string]map[string]*corev1.PersistentVolumeClaim
}

// readNeighbours reads them. An object that cannot be read is left out: it may be of
// another version, and stops nothing that is known here.
func readNeighbours(objects []podspec.Object) manifestNeighbours {
	found := manifestNeighbours{
		NeighbourObjects: serverhost.NeighbourObjects{Claims: map[string]*corev1.PersistentVolumeClaim{}, Services: map[string]bool{}},
		scaled:           map[string]int64{}, scalers: map[string]string{},
		templates: map[string]map[string]*corev1.PersistentVolumeClaim{},
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
				found.addScaler(target.Kind+" "+target.Name, o, int64(scaler.Spec.MaxReplicas))
			}
		case "ScaledObject":
			var scaler scaledObject
			if decodeObject(o, &scaler) && scaler.Spec.Target.Name != "" {
				found.addScaler(cmp.Or(scaler.Spec.Target.Kind, "Deployment")+" "+scaler.Spec.Target.Name, o, cmp.Or(scaler.Spec.Max, 100))
			}
		}
	}
	return found
}

// scaledObject is what of KEDA's ScaledObject says how far it scales what.
type scaledObject struct {
	Spec struct {
		Target struct{ Kind, Name string } `json:"scaleTargetRef"`
		Max    int64                       `json:"maxReplicaCount"`
	} `json:"spec"`
}

// addScaler notes up to how many pods an object is scaled by another one.
func (n *manifestNeighbours) addScaler(object string, scaler *podspec.Object, most int64) {
	if most > n.scaled[object] {
		n.scaled[object], n.scalers[object] = most, scaler.Kind+" "+scaler.Name
	}
}

func decodeObject(o *podspec.Object, into any) bool {
	text, err := o.AsJSON()
	return err == nil && json.Unmarshal(text, into) == nil
}

// hostNoteReport is a note on what stops or slows a server beside its GPUs, in -o json and yaml.
type hostNoteReport struct {
	Cause  string   `json:"cause"`
	Detail string   `json:"detail,omitempty"`
	Remedy string   `json:"remedy"`
	Lines  []string `json:"lines,omitempty"`
}

func newHostNoteReports(notes []serverhost.HostNote) []hostNoteReport {
	reports := make([]hostNoteReport, 0, len(notes))
	for i := range notes {
		n := &notes[i]
		reports = append(reports, hostNoteReport{Cause: n.Cause, Detail: n.Detail, Remedy: n.Remedy, Lines: n.Lines})
	}
	return reports
}

// writeHostNotes prints them, each with what to type.
func (a *serverAnswer) writeHostNotes(p *cli.Page) {
	for i := range a.question.host {
		note := &a.question.host[i]
		p.Printf("note: %s\n", cli.PlainText(note.String()))
		for _, line := range note.Lines {
			p.Printf("        %s\n", cli.PlainText(line))
		}
	}
}

// addHostNotes notes what will stop or slow the pod's server beside its GPUs. rate is how many bytes of
// weights are read in a second, 0 for the usual.
func (q *serverQuestion) addHostNotes(pod *manifestPod, neighbours *manifestNeighbours, rate topology.Bytes) {
	server := serverhost.ModelServer{
		Pod: &pod.Spec, Launch: q.Launch, Model: pod.reading.Model, Weights: q.Model.Loaded(), ReadingRate: rate,
		Replicas: max(pod.Replicas, neighbours.scaled[pod.Object]), Neighbours: neighbours.NeighbourObjects,
		HasOperator: bringsOwnToken(pod.Object),
	}
	server.Neighbours.Templates = neighbours.templates[pod.Object]
	q.replicas, q.scaledBy = server.Replicas, neighbours.scalers[pod.Object]
	q.scales = q.scales || q.scaledBy != ""
	for i := range pod.Spec.Containers {
		if c := &pod.Spec.Containers[i]; c.Name == pod.reading.Container {
			server.Container = withOperatorProbes(c, pod.Object)
			q.host = append(q.host, server.HostNotes()...)
			return
		}
	}
}

// llmStartup is the startup probe that KServe's own configuration gives an LLMInferenceService whose
// template states no probe: kserve-config-llm-template in config/llmisvcconfig (kserve@01a639a).
var llmStartup = corev1.Probe{
	ProbeHandler:        corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/health", Port: intstr.FromInt32(8000)}},
	InitialDelaySeconds: 10, PeriodSeconds: 10, FailureThreshold: 60,
}

// bringsOwnToken reports whether the operator of an object has a token for the hub, or files of its own, that
// the object does not name: Kaito's presets, KubeAI's secret, NIM's images.
func bringsOwnToken(object string) bool {
	kind, _, _ := strings.Cut(object, " ")
	return slices.Contains([]string{"Workspace", "InferenceSet", "MultiRoleInference", "Model", "NIMService", "NIMPipeline"}, kind)
}

// withOperatorProbes is a container with the probes that its object's controller adds.
func withOperatorProbes(c *corev1.Container, object string) *corev1.Container {
	if !strings.HasPrefix(object, "LLMInferenceService ") || c.StartupProbe != nil || c.LivenessProbe != nil {
		return c
	}
	added := *c
	added.StartupProbe = &llmStartup
	return &added
}
