package claim

import (
	"fmt"
	"strings"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// The annotations of claims that are sized for a model server.
const (
	ModelAnnotation = "ashlar.dev/model"
	// SizedForAnnotation says what the claim was sized for, in words.
	SizedForAnnotation = "ashlar.dev/sized-for"
	// ArgumentsAnnotation has the arguments with which the model server keeps to the claim.
	ArgumentsAnnotation = "ashlar.dev/arguments"
	// MemoryAnnotation is the memory that the server takes of each GPU.
	MemoryAnnotation = "ashlar.dev/memory-per-gpu"
)

// RequestName is what a sized claim calls its one request.
const RequestName = "gpus"

// Sizing is a claim's contents for one model server.
type Sizing struct {
	Spec        resourceapi.ResourceClaimSpec
	Annotations map[string]string

	// GPUs is how many of them every alternative has.
	GPUs int64
	// LeftOut is how many alternatives, all of them shares, the API has no room for.
	LeftOut int
	// About says for each alternative of Spec which GPUs it is, with their prices.
	About [][]string
	// Arguments are those of the engine that the sizes hold for, "" for none.
	Arguments string
	// Model and SizedFor are the model and what is asked of it, in words.
	Model, SizedFor string
}

// NothingToClaim says that no option of an answer may stand in a claim.
type NothingToClaim struct {
	Model string
	// Fitting is how many options fit all the same, but within the margin of the estimate.
	Fitting int
}

func (e *NothingToClaim) Error() string {
	if e.Fitting > 0 {
		return e.Model + ": what fits does so only within the margin of the estimate, and a claim is made of what surely fits: " +
			"ask for less, or for larger GPUs"
	}
	return e.Model + ": nothing fits, so that there is nothing to claim"
}

// NewSizing sizes a claim by an answer. The error is a *NothingToClaim.
func NewSizing(answer *plan.Answer) (*Sizing, error) {
	options := answer.ClaimOptions()
	if len(options) == 0 {
		return nil, &NothingToClaim{Model: answer.Request.Model.Name, Fitting: answer.FittingCount()}
	}
	alternatives, left := joinAlternatives(options)
	s := &Sizing{GPUs: options[0].GPUs, LeftOut: left, Model: oneLine(answer.Request.Model.Name), SizedFor: oneLine(answer.DescribeRequest())}
	s.Arguments = strings.Join(answer.Arguments(s.GPUs), " ")
	request := resourceapi.DeviceRequest{Name: RequestName}
	for _, a := range alternatives {
		request.FirstAvailable = append(request.FirstAvailable, a.subRequest())
		s.About = append(s.About, a.about)
	}
	s.Spec.Devices.Requests = []resourceapi.DeviceRequest{request}
	if s.GPUs > 1 { // those that share a model must be equal
		product := resourceapi.FullyQualifiedName(deviceapi.Driver + "/" + deviceapi.ProductName)
		s.Spec.Devices.Constraints = []resourceapi.DeviceConstraint{{MatchAttribute: &product}}
	}
	need := options[0].Estimate.Need()
	s.Annotations = map[string]string{
		ModelAnnotation: s.Model, SizedForAnnotation: s.SizedFor,
		MemoryAnnotation: fmt.Sprintf("%s to start, %s wanted", need.Start, need.Wanted),
	}
	if s.Arguments != "" {
		s.Annotations[ArgumentsAnnotation] = s.Arguments
	}
	return s, nil
}

// ClaimTemplate is a ResourceClaimTemplate for pods that run the server.
func (s *Sizing) ClaimTemplate(name string) *resourceapi.ResourceClaimTemplate {
	return &resourceapi.ResourceClaimTemplate{
		TypeMeta:   metav1.TypeMeta{APIVersion: resourceapi.SchemeGroupVersion.String(), Kind: "ResourceClaimTemplate"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: s.Annotations},
		Spec:       resourceapi.ResourceClaimTemplateSpec{Spec: s.Spec},
	}
}

// ResourceClaim is a claim for one pod that runs the server.
func (s *Sizing) ResourceClaim(name string) *resourceapi.ResourceClaim {
	return &resourceapi.ResourceClaim{
		TypeMeta:   metav1.TypeMeta{APIVersion: resourceapi.SchemeGroupVersion.String(), Kind: "ResourceClaim"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: s.Annotations},
		Spec:       s.Spec,
	}
}

// oneLine keeps text from ending a comment.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, text)
}
