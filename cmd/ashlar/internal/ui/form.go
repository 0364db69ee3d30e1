package ui

import (
	"fmt"
	"regexp"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// whatifForm is what the page's form asks for.
type whatifForm struct {
	// Kind is model, gpu, mig, share or manifest.
	Kind string `json:"kind"`
	// Model is what a model server is to serve.
	Model string `json:"model"`
	// Profile is that of a MIG slice, such as 1g.10gb.
	Profile string `json:"profile"`
	// Memory is that of a share, in GiB.
	Memory int64 `json:"memory"`
	// Count is how many GPUs or slices a pod asks for.
	Count int64 `json:"count"`
	// Copies is how many pods are asked about.
	Copies   int    `json:"copies"`
	Manifest string `json:"manifest"`
}

const (
	maxCount  = 64
	maxCopies = 1000
	// maxMemory is in GiB.
	maxMemory = 1_000_000
)

// profileName is what MIG profiles are called. It goes into an expression, and so nothing else may.
var profileName = regexp.MustCompile(`^[1-9][0-9]{0,2}g\.[1-9][0-9]{0,3}gb(\+[a-z0-9.]{1,12})?$`)

// deviceNames are what a driver calls its classes and the domain of its attributes.
type deviceNames struct{ domain, gpu, mig, share string }

var (
	ownNames    = deviceNames{deviceapi.Driver, "gpu.ashlar.dev", "mig.gpu.ashlar.dev", "share.gpu.ashlar.dev"}
	nvidiaNames = deviceNames{deviceapi.NVIDIADriver, "gpu.nvidia.com", "mig.nvidia.com", ""}
)

// writeManifest is what whatif -f is to be asked. names is nil for a cluster of device plugins, whose
// GPUs are counted. The error says what is wrong with the form.
func (f *whatifForm) writeManifest(names *deviceNames) (string, error) {
	if f.Copies == 0 {
		f.Copies = 1
	}
	if f.Copies < 1 || f.Copies > maxCopies {
		return "", fmt.Errorf("copies %d: want 1 to %d", f.Copies, maxCopies)
	}
	if f.Kind == "manifest" {
		if strings.TrimSpace(f.Manifest) == "" {
			return "", fmt.Errorf("the manifest is empty: paste a Pod, a Deployment, a Job or the like")
		}
		return f.Manifest, nil
	}
	if f.Kind != "share" && (f.Count < 1 || f.Count > maxCount) {
		return "", fmt.Errorf("%d GPUs or slices: want 1 to %d", f.Count, maxCount)
	}
	server := corev1.Container{Name: "server", Image: "server"}
	var request *resourceapi.ExactDeviceRequest
	var counted corev1.ResourceName
	switch f.Kind {
	case "model":
		if f.Model = strings.TrimSpace(f.Model); f.Model == "" || len(f.Model) > 200 || strings.HasPrefix(f.Model, "-") {
			return "", fmt.Errorf("model %.40q: want a name such as meta-llama/Llama-3.1-8B-Instruct", f.Model)
		}
		server.Name, server.Image = "vllm", "vllm/vllm-openai"
		server.Args = []string{"--model=" + f.Model}
		if f.Count > 1 {
			server.Args = append(server.Args, fmt.Sprintf("--tensor-parallel-size=%d", f.Count))
		}
		fallthrough
	case "gpu":
		counted = deviceapi.GPUResource
		if names != nil {
			request = &resourceapi.ExactDeviceRequest{DeviceClassName: names.gpu, Count: f.Count}
		}
	case "mig":
		if !profileName.MatchString(f.Profile) {
			return "", fmt.Errorf("profile %.40q: want one such as 1g.10gb", f.Profile)
		}
		counted = corev1.ResourceName(deviceapi.MIGResourcePrefix + strings.Replace(f.Profile, "+", ".", 1))
		if names != nil {
			request = &resourceapi.ExactDeviceRequest{DeviceClassName: names.mig, Count: f.Count,
				Selectors: []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{
					Expression: fmt.Sprintf("device.attributes[%q].profile == %q", names.domain, f.Profile)}}}}
		}
	case "share":
		if f.Memory < 1 || f.Memory > maxMemory {
			return "", fmt.Errorf("%d GiB: want 1 to %d", f.Memory, maxMemory)
		}
		if names == nil || names.share == "" {
			return "", fmt.Errorf("shares by memory are handed out by Ashlar's driver, which no node of this cluster runs")
		}
		request = &resourceapi.ExactDeviceRequest{DeviceClassName: names.share, Capacity: &resourceapi.CapacityRequirements{
			Requests: map[resourceapi.QualifiedName]resource.Quantity{deviceapi.Memory: *resource.NewQuantity(f.Memory<<30, resource.BinarySI)}}}
	default:
		return "", fmt.Errorf("kind %.40q: want model, gpu, mig, share or manifest", f.Kind)
	}
	return f.writeObjects(server, request, counted)
}

// writeObjects is a Deployment, and the template of its claims if it has any.
func (f *whatifForm) writeObjects(server corev1.Container, request *resourceapi.ExactDeviceRequest,
	counted corev1.ResourceName) (string, error) {
	const name = "what-if"
	labels := map[string]string{"app": name}
	pod := corev1.PodSpec{SchedulerName: "ashlar-scheduler"}
	var objects []runtime.Object
	if request != nil {
		objects = append(objects, &resourceapi.ResourceClaimTemplate{
			TypeMeta:   metav1.TypeMeta{APIVersion: "resource.k8s.io/v1", Kind: "ResourceClaimTemplate"},
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: resourceapi.ResourceClaimTemplateSpec{Spec: resourceapi.ResourceClaimSpec{Devices: resourceapi.DeviceClaim{
				Requests: []resourceapi.DeviceRequest{{Name: "gpu", Exactly: request}}}}},
		})
		pod.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimTemplateName: ptr.To(name)}}
		server.Resources.Claims = []corev1.ResourceClaim{{Name: "gpu"}}
	} else {
		server.Resources.Limits = corev1.ResourceList{counted: *resource.NewQuantity(f.Count, resource.DecimalSI)}
	}
	pod.Containers = []corev1.Container{server}
	objects = append(objects, &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{Replicas: ptr.To(int32(f.Copies)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod}},
	})
	var text strings.Builder
	for i, object := range objects {
		written, err := yaml.Marshal(object)
		if err != nil {
			return "", fmt.Errorf("writing the manifest: %w", err)
		}
		if i > 0 {
			text.WriteString("---\n")
		}
		text.WriteString(dropEmpty(string(written)))
	}
	return text.String(), nil
}

// dropEmpty drops what Kubernetes' types write although it is empty.
func dropEmpty(text string) string {
	var lines []string
	for _, line := range strings.SplitAfter(text, "\n") {
		switch strings.TrimSpace(line) {
		case "status: {}", "strategy: {}", "creationTimestamp: null", "resources: {}", "metadata: {}":
		default:
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
