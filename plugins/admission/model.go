package admission

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/claim"
	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
	"github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// ClaimAnnotation asks for a claim that is sized for the model server that a pod's containers
// start, where neither a label nor an annotation names the model: "auto".
const ClaimAnnotation = "ashlar.dev/claim"

const autoClaim = "auto"

// containerAnnotation names the container that counts where several could.
const containerAnnotation = "kubectl.kubernetes.io/default-container"

// knownOffers are the GPUs of the catalogue.
var knownOffers = sync.OnceValue(func() []plan.Offer { return plan.ListOffers(catalogue.Default()) })

// claimForModel gives a pod that names its model and no GPUs the claim that ashlar plan -o claim
// prints for it. Why it gets none is a warning.
func (r *podReview) claimForModel(namespace string) error {
	name, err := r.statedModel()
	if err != nil {
		return err
	}
	switch text, found := r.pod.Annotations[ClaimAnnotation]; {
	case found && text != autoClaim:
		return refusePod("annotation %s: want %s", statedKey{ClaimAnnotation, shortValue(text)}, autoClaim)
	case !found && name == "", r.asksOtherwise():
		return nil
	}
	sizing, container, because := r.sizeModel(name)
	if because != "" {
		r.warnings = append(r.warnings, "no claim is made for the model: "+because)
		return nil
	}
	template := newTemplate(namespace, claim.NameFor(sizing.Model), sizing.Spec, sizing.Annotations)
	r.addTemplate(template)
	addClaim(r.pod, template.Name, []*v1.Container{container})
	r.record.Claims = append(r.record.Claims, RecordedClaim{Containers: []string{container.Name}, Template: template.Name,
		Means: "GPUs for " + sizing.Model + ": " + sizing.SizedFor, From: map[string]string{launch.ModelAnnotation: sizing.Model}})
	r.claimed = sizing.GPUs
	return nil
}

// statedModel is the model that an annotation or a label names.
func (r *podReview) statedModel() (string, error) {
	annotation, annotated := r.pod.Annotations[launch.ModelAnnotation]
	label, labelled := r.pod.Labels[launch.ModelAnnotation]
	if annotated && labelled && !sameModel(annotation, label) {
		return "", refuseContradiction("", statedKey{"annotation " + launch.ModelAnnotation, shortValue(annotation)},
			statedKey{"label " + launch.ModelAnnotation, shortValue(label)}, "they are different models: keep one")
	}
	if annotated {
		return annotation, nil
	}
	return label, nil
}

// sameModel reports whether a label may stand for a model's name, whose slash it cannot have.
func sameModel(name, label string) bool {
	_, base, found := strings.Cut(name, "/")
	return strings.EqualFold(name, label) || found && strings.EqualFold(base, label)
}

// asksOtherwise reports whether the pod asks for GPUs beside naming a model: then it does not name
// the model alone.
func (r *podReview) asksOtherwise() bool {
	asks := len(r.pod.Spec.ResourceClaims) > 0
	_ = eachContainer(r.pod, func(c *v1.Container, _ bool) error {
		asks = asks || hasClaims(c) || modelmemory.CountGPUs(c) > 0
		return nil
	})
	return asks
}

// sizeModel sizes a claim for the pod's model server and says which container runs it, or why
// there is none.
func (r *podReview) sizeModel(name string) (*claim.Sizing, *v1.Container, string) {
	annotations := map[string]string{}
	for key, value := range r.pod.Annotations {
		annotations[key] = value
	}
	if name != "" {
		annotations[launch.ModelAnnotation] = name
	}
	reading, err := modelmemory.LaunchPod(annotations, &r.pod.Spec).Read()
	switch {
	case err != nil:
		return nil, nil, err.Error()
	case reading.Model == "":
		return nil, nil, fmt.Sprintf("the pod does not name it: state annotation %s", launch.ModelAnnotation)
	case reading.IsServer() && reading.Launch.Engine == "":
		return nil, nil, fmt.Sprintf("how %s takes memory is not known", reading.Server)
	}
	known, err := model.Known(reading.Model)
	if err != nil {
		return nil, nil, err.Error()
	}
	container, because := r.servingContainer(&reading)
	if because != "" {
		return nil, nil, because
	}
	request := plan.Request{Model: known, Launch: reading.Launch}
	if config, found := model.Config(reading.Model); found {
		request.Config = config
	}
	request.Demand.Context, request.Demand.Requests = reading.Context, reading.Concurrency
	if request.Launch.Engine == "" {
		request.Launch.Engine = plan.DefaultEngine(known)
		r.warnings = append(r.warnings, fmt.Sprintf("container %s: the claim is sized for %s: if it runs another engine, state annotation %s",
			container.Name, request.Launch.Engine.Title(), launch.EngineAnnotation))
	}
	if request.Launch.TensorParallel == 0 {
		request.Launch.TensorParallel = 1 // what a server does not state, it runs on one GPU
	}
	if len(reading.Overrides) > 0 {
		if request.Model, request.Config, err = plan.OverrideConfig(known, request.Config, reading.Overrides); err != nil {
			return nil, nil, err.Error()
		}
	}
	answer, err := plan.AnswerRequest(request, knownOffers())
	if err != nil {
		return nil, nil, err.Error()
	}
	sizing, err := claim.NewSizing(answer)
	if err != nil {
		return nil, nil, withWayOut(answer, err.Error()+"; "+answer.DescribeRequest())
	}
	r.noteArguments(&reading, container.Name, request.Launch.Engine, answer.Arguments(sizing.GPUs))
	return sizing, container, ""
}

// withWayOut adds to the reason why nothing can be claimed what would fit, by the rules of ashlar plan.
func withWayOut(answer *plan.Answer, because string) string {
	remedies := answer.CheapestRemedies(knownOffers())
	if answer.Smallest != nil || len(remedies) == 0 {
		return because
	}
	best := slices.MinFunc(remedies, func(a, b plan.FitRemedy) int { return cmp.Compare(a.RankRemedy(), b.RankRemedy()) })
	r := &best
	var words []string
	if r.Copy != nil {
		words = append(words, "model "+r.Copy.Name)
	}
	for _, change := range r.ListChanges(&answer.Request.Launch) {
		name, known := launch.ArgumentName(answer.Request.Launch.Engine, change.Field)
		switch flag := strings.TrimSuffix(name+"="+change.Value, "="); {
		case !known:
		case change.Dropped:
			words = append(words, "without "+flag)
		default:
			words = append(words, flag)
		}
	}
	return fmt.Sprintf("%s: would fit: %s with %s", because, r.Option.Title(), strings.Join(words, " "))
}

// servingContainer is the one that runs the model.
func (r *podReview) servingContainer(reading *launch.Reading) (*v1.Container, string) {
	name := reading.Container
	if !reading.IsServer() || name == "" {
		if len(r.pod.Spec.Containers) == 1 {
			return &r.pod.Spec.Containers[0], ""
		}
		if name = r.pod.Annotations[containerAnnotation]; name == "" {
			return nil, fmt.Sprintf("which of the containers runs it is not told: name it in annotation %s", containerAnnotation)
		}
	}
	var found *v1.Container
	_ = eachContainer(r.pod, func(c *v1.Container, _ bool) error {
		if c.Name == name {
			found = c
		}
		return nil
	})
	if found == nil {
		return nil, fmt.Sprintf("the pod has no container %s", shortValue(name))
	}
	return found, ""
}

// noteArguments warns of arguments for which the claim is sized and with which nothing in the pod
// starts the server: annotations state them, and the server does not read those.
func (r *podReview) noteArguments(reading *launch.Reading, container string, engine memory.Engine, arguments []string) {
	var missing []string
	for _, field := range []launch.Field{launch.FieldMaxModelLen, launch.FieldTensorParallel, launch.FieldUtilisation} {
		flag, known := launch.ArgumentName(engine, field)
		where, explicit := reading.Explicit[field]
		if !known || explicit && !strings.HasPrefix(where, "annotation ") {
			continue
		}
		for _, argument := range arguments {
			if strings.HasPrefix(argument, flag+"=") {
				missing = append(missing, argument)
			}
		}
	}
	if len(missing) > 0 {
		r.warnings = append(r.warnings, fmt.Sprintf("container %s: start the server with %s, for which the claim is sized", container,
			strings.Join(missing, " ")))
	}
}
