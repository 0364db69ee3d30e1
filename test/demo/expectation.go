package demo

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// podFile is the expected/pods.yaml of one example. It lies in a folder of its
// own so that `kubectl apply -f` of the example passes it over.
type podFile struct {
	Pods []podExpectation `json:"pods"`
}

// podExpectation says what the pods of one name get. A pod made by a Deployment or
// Job is meant by the name of its owner.
type podExpectation struct {
	Name     string `json:"name"`
	Replicas int    `json:"replicas,omitempty"`
	// Pending is a text that the reason for not being scheduled contains.
	Pending string `json:"pending,omitempty"`
	// Node is the node that each pod runs on.
	Node string `json:"node,omitempty"`
	// Counted is how many nvidia.com/gpu of a device plugin the pod has, without a claim.
	Counted int64 `json:"counted,omitempty"`
	// Form is whole, mig or share.
	Form    string   `json:"form,omitempty"`
	Devices int      `json:"devices,omitempty"`
	Profile string   `json:"profile,omitempty"`
	Memory  string   `json:"memory,omitempty"`
	Product []string `json:"product,omitempty"`
	// Link is NVLink if every two GPUs of a pod must be connected by it.
	Link string `json:"link,omitempty"`
	// LeastMemory is what each GPU has at least, of which the pod may have a part.
	LeastMemory string `json:"leastMemory,omitempty"`
	// GPUs are the indices of which the pod's GPUs must be.
	GPUs []int `json:"gpus,omitempty"`
	// Besides is another driver's device in the claim, which shares an attribute with the GPU.
	Besides *besideDevice `json:"besides,omitempty"`
	// SameLabel is a node label of which all pods' nodes have one value.
	SameLabel string `json:"sameLabel,omitempty"`
	// MaxGPUs is the most GPUs that all replicas together may touch.
	MaxGPUs int `json:"maxGPUs,omitempty"`
}

// besideDevice is a device of another driver.
type besideDevice struct {
	Driver    string                    `json:"driver"`
	Attribute resourceapi.QualifiedName `json:"attribute"`
}

func readExpectation(folder string) (podFile, error) {
	var e podFile
	file := filepath.Join(folder, "expected", "pods.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		return e, err
	}
	if err := yaml.UnmarshalStrict(text, &e); err != nil {
		return e, fmt.Errorf("%s: %w", file, err)
	}
	return e, nil
}

// differenceIn says what differs from the expectation, "" if nothing.
func (e *podExpectation) differenceIn(rows []podRow) string {
	mine := slices.DeleteFunc(slices.Clone(rows), func(r podRow) bool { return r.owner != e.Name })
	if want := max(1, e.Replicas); len(mine) != want {
		return fmt.Sprintf("%s: %d pods, want %d", e.Name, len(mine), want)
	}
	gpus, domains := map[string]bool{}, map[string]bool{}
	for _, r := range mine {
		if wrong := e.checkPod(r); wrong != "" {
			return fmt.Sprintf("%s: %s", r.pod.Name, wrong)
		}
		if e.SameLabel != "" {
			domains[r.node.Labels[e.SameLabel]] = true
		}
		if r.holding != nil {
			for _, held := range r.holding.Devices {
				gpus[fmt.Sprintf("%s/%d", r.holding.Node, held.Device.GPU)] = true
			}
		}
	}
	if len(domains) > 1 || domains[""] {
		return fmt.Sprintf("%s: nodes with %s %s, want one value", e.Name, e.SameLabel,
			strings.Join(slices.Sorted(maps.Keys(domains)), ", "))
	}
	if e.MaxGPUs > 0 && len(gpus) > e.MaxGPUs {
		return fmt.Sprintf("%s: spread over %d GPUs, want at most %d", e.Name, len(gpus), e.MaxGPUs)
	}
	return ""
}

func (e *podExpectation) checkPod(r podRow) string {
	if e.Pending != "" {
		switch {
		case r.pod.Spec.NodeName != "":
			return "is scheduled, want pending"
		case !strings.Contains(r.reason, e.Pending):
			return fmt.Sprintf("pending with reason %q, want %q in it", r.reason, e.Pending)
		}
		return ""
	}
	if r.pod.Status.Phase != corev1.PodRunning {
		return fmt.Sprintf("is %s, want Running %s", r.pod.Status.Phase, r.reason)
	}
	if e.Node != "" && r.pod.Spec.NodeName != e.Node {
		return fmt.Sprintf("is on node %s, want %s", r.pod.Spec.NodeName, e.Node)
	}
	if e.Counted > 0 {
		if r.holding != nil || r.countedGPUs() != e.Counted {
			return fmt.Sprintf("has %d GPUs of a device plugin, want %d and no claim", r.countedGPUs(), e.Counted)
		}
		return ""
	}
	if r.holding == nil {
		return "holds no GPU"
	}
	if len(r.holding.Devices) != e.Devices {
		return fmt.Sprintf("holds %d devices, want %d", len(r.holding.Devices), e.Devices)
	}
	for _, held := range r.holding.Devices {
		switch {
		case held.Device.Form.String() != e.Form:
			return fmt.Sprintf("holds a %s, want %s", held.Device.Form, e.Form)
		case e.Profile != "" && held.Profile != e.Profile:
			return fmt.Sprintf("holds profile %s, want %s", held.Profile, e.Profile)
		case len(e.Product) > 0 && !slices.Contains(e.Product, held.Product):
			return fmt.Sprintf("is on a %s, want %s", held.Product, strings.Join(e.Product, " or "))
		case e.Memory != "" && int64(held.Bytes) != quantityBytes(e.Memory):
			return fmt.Sprintf("holds %s, want %s", held.Bytes, e.Memory)
		case len(e.GPUs) > 0 && !slices.Contains(e.GPUs, int(held.Device.GPU)):
			return fmt.Sprintf("holds GPU %d, want one of %v", held.Device.GPU, e.GPUs)
		case e.LeastMemory != "" && int64(held.Device.Memory) < quantityBytes(e.LeastMemory):
			return fmt.Sprintf("is on a GPU of %s, want at least %s", held.Device.Memory, e.LeastMemory)
		case held.Device.Form == placement.MIG && r.holding.Bandwidth != 0:
			return "a MIG slice with links"
		}
	}
	if e.Link != "" && !strings.HasPrefix(r.holding.Link.String(), "NV") {
		return fmt.Sprintf("slowest link is %s, want %s", r.holding.Link, e.Link)
	}
	return e.checkBeside(r)
}

// quantityBytes is an amount of memory in bytes, -1 for what is none.
func quantityBytes(text string) int64 {
	quantity, err := resource.ParseQuantity(text)
	if err != nil {
		return -1
	}
	return quantity.Value()
}

// checkBeside says what is wrong with the other driver's device in the pod's claim.
func (e *podExpectation) checkBeside(r podRow) string {
	if e.Besides == nil {
		return ""
	}
	values := map[string]string{}
	for _, result := range r.holding.Claim.Status.Allocation.Devices.Results {
		attribute := r.attributes[result.Driver+"/"+result.Pool+"/"+result.Device][e.Besides.Attribute]
		if attribute.StringValue != nil {
			values[result.Driver] = *attribute.StringValue
		}
	}
	if beside, own := values[e.Besides.Driver], values[deviceapi.Driver]; beside == "" || beside != own {
		return fmt.Sprintf("%s of its GPU is %q and of its device of %s %q, want the same", e.Besides.Attribute, own, e.Besides.Driver, beside)
	}
	return ""
}
