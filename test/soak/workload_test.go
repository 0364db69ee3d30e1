package soak

import (
	"fmt"
	"math/rand"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

const (
	namespace     = "soak"
	gangLabel     = "scheduling.x-k8s.io/pod-group"
	schedulerName = "ashlar-scheduler"
	// urgent is the class of pods for which others are ended, ordinary pods have none.
	urgent = "urgent"
	// meanRounds is how many rounds a pod stays on average.
	meanRounds = 5
	// changedLate and changedGangs are of how many arrivals, and of how many gangs, one is changed while it waits.
	changedLate, changedGangs = 5, 2
)

// arrival is a pod, a gang, or several pods with one claim, which come and go together.
type arrival struct {
	name string
	// form is what the arrival is, for the report.
	form string
	pods []*corev1.Pod
	// claims are one of each pod's own, or one of all of them; template one from which their claims are made.
	claims   []*resourceapi.ResourceClaim
	template *resourceapi.ResourceClaimTemplate
	group    *unstructured.Unstructured
	// needed is how many of its pods a gang needs, in the end.
	needed int
	// rounds is after how many rounds it is deleted, at once if abrupt says so and with notice
	// otherwise. finishes says that its pods end by themselves before.
	rounds           int
	abrupt, finishes bool
	// late is what is changed while it waits, nil for most.
	late *lateChange
}

// drawArrival draws what comes next.
func drawArrival(random *rand.Rand, number int) *arrival {
	form := drawForm(random)
	claim, amounts := form.draw(random)
	a := &arrival{name: fmt.Sprintf("job-%05d", number), form: form.name, rounds: 1 + int(random.ExpFloat64()*meanRounds)}
	a.abrupt, a.finishes = random.Intn(2) == 0, random.Intn(10) == 0
	members := 1
	switch what := random.Intn(12); {
	case what == 0: // a gang
		members = 2 + random.Intn(4)
		a.makeGang(members)
	case what == 1 && claim != nil: // pods that have one claim together
		members = 2 + random.Intn(2)
		a.form = "shared claims"
	}
	priority := random.Intn(16) == 0
	for member := range members {
		pod := newPod(fmt.Sprintf("%s-%d", a.name, member), amounts)
		pod.Spec.Containers[0].Args = form.args
		if len(form.args) > 0 {
			pod.Spec.Containers[0].Image = "vllm/vllm-openai:v0.11.0"
		}
		if a.group != nil {
			pod.Labels = map[string]string{gangLabel: a.name}
		}
		if priority {
			pod.Spec.PriorityClassName = urgent
		}
		if a.finishes {
			pod.Spec.RestartPolicy = corev1.RestartPolicyNever
			pod.Annotations = map[string]string{cluster.RunFor: "3s"}
		}
		a.pods = append(a.pods, pod)
	}
	if claim != nil {
		a.useClaim(claim, (a.group != nil || members == 1) && random.Intn(2) == 0)
	}
	if random.Intn(changedLate) == 0 || a.group != nil && random.Intn(changedGangs) == 0 {
		a.drawLate(random)
	}
	return a
}

// makeGang makes the arrival a gang of so many pods.
func (a *arrival) makeGang(members int) {
	a.form, a.needed = "gangs", members
	a.group = &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "scheduling.x-k8s.io/v1alpha1", "kind": "PodGroup", "metadata": map[string]any{"name": a.name},
		"spec": map[string]any{"minMember": int64(members), "scheduleTimeoutSeconds": int64(10)},
	}}
}

func newPod(name string, amounts corev1.ResourceList) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
	pod.Spec.SchedulerName = schedulerName
	pod.Spec.Containers = []corev1.Container{{Name: "main", Image: "example.com/none"}}
	pod.Spec.Containers[0].Resources = corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}, Limits: amounts.DeepCopy(),
	}
	return pod
}

// useClaim gives the pods a claim each, made from a template or by name, or one for all that are no gang.
func (a *arrival) useClaim(claim *resourceapi.DeviceClaim, template bool) {
	if template {
		a.template = &resourceapi.ResourceClaimTemplate{
			ObjectMeta: metav1.ObjectMeta{Name: a.name, Namespace: namespace},
			Spec:       resourceapi.ResourceClaimTemplateSpec{Spec: resourceapi.ResourceClaimSpec{Devices: *claim}},
		}
	}
	for i, pod := range a.pods {
		source := corev1.PodResourceClaim{Name: "devices"}
		switch {
		case template:
			source.ResourceClaimTemplateName = &a.name
		case a.group != nil:
			a.claims = append(a.claims, newClaim(pod.Name, claim))
			source.ResourceClaimName = &pod.Name
		default:
			if i == 0 {
				a.claims = append(a.claims, newClaim(a.name, claim))
			}
			source.ResourceClaimName = &a.name
		}
		pod.Spec.ResourceClaims = []corev1.PodResourceClaim{source}
		pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: source.Name}}
	}
}

func newClaim(name string, claim *resourceapi.DeviceClaim) *resourceapi.ResourceClaim {
	return &resourceapi.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Spec: resourceapi.ResourceClaimSpec{Devices: *claim.DeepCopy()},
	}
}
