package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/podspec"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// manifestPod is a pod of a manifest, and what its containers say about a model server.
type manifestPod struct {
	podspec.Pod
	launch  launch.Pod
	reading launch.Reading
	// container is the one that is meant of several with servers, "" for the pod.
	container string
}

// placeText says where the pod is, and which of its containers is meant if several have servers.
func (p *manifestPod) placeText() string {
	if p.container == "" {
		return p.Where()
	}
	return p.Where() + ", container " + p.container
}

// splitServers are the pods, one that runs several model servers once for each.
func splitServers(pods []podspec.Pod) []manifestPod {
	var split []manifestPod
	for i := range pods {
		parts := modelmemory.LaunchParts(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: pods[i].Annotations}, Spec: pods[i].Spec})
		for _, part := range parts {
			one := manifestPod{Pod: pods[i], launch: part}
			if len(parts) > 1 {
				one.container = part.Containers[0].Name
				one.Spec.Containers = slices.DeleteFunc(slices.Clone(one.Spec.Containers), func(c corev1.Container) bool {
					return c.Name != one.container
				})
			}
			split = append(split, one)
		}
	}
	return split
}

// readManifest reads the model servers of the manifest. What is wrong with one pod is said
// beside the answers for the others: failures has it.
func (f *planFlags) readManifest(cmd *cobra.Command) (questions []serverQuestion, failures []error, err error) {
	text, err := cli.ReadManifest(cmd.InOrStdin(), f.file)
	if err != nil {
		return nil, nil, err
	}
	name := f.file
	if name == "-" {
		name = "standard input"
	}
	pods, unread := podspec.ReadPods(name, text)
	objects, _ := podspec.ReadObjects(name, text) // the error is among those of the pods
	neighbours, configMaps := readNeighbours(objects), readConfigMaps(objects)
	for _, pod := range commandPods(objects) {
		if found, trains := readJob(&pod, configMaps); trains {
			f.addJob(found)
		}
	}
	switch {
	case len(pods) == 0 && unread != nil:
		return nil, nil, cli.MistakenInput(unread)
	case len(pods) == 0 && len(f.jobs) == 0:
		return nil, nil, cli.UsageErrorf("%s: no pod in it: want objects that have containers, like a Pod or a Deployment", name)
	case unread != nil:
		failures = append(failures, unread)
	}
	var others []string
	for _, pod := range splitServers(f.withEngine(pods)) {
		if other := pod.describeOther(); other != "" {
			others = append(others, other)
			continue
		}
		if pod.reading, err = pod.launch.Read(); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", pod.placeText(), err))
			continue
		}
		if !pod.reading.IsServer() && pod.container == "" {
			if found, trains := readJob(&pod.Pod, configMaps); trains {
				f.addJob(found)
				continue
			}
		}
		if err := pod.readTritonConfig(configMaps); err != nil {
			failures = append(failures, err)
			continue
		}
		if f.train.enabled {
			others = append(others, servesBeside(&pod.Pod))
			continue
		}
		if reason := f.passedOver(&pod); reason != "" {
			others = append(others, reason)
			continue
		}
		question, err := f.questionOf(cmd, &pod)
		switch {
		case cli.ExitCode(err) == cli.ExitUsage:
			return nil, nil, err
		case err != nil:
			failures = append(failures, err)
			continue
		}
		question.addHostNotes(&pod, &neighbours, topology.Bytes(f.readRate))
		questions = append(questions, question)
	}
	if len(questions) == 0 && len(failures) == 0 && len(f.jobs) == 0 {
		return nil, nil, cli.MistakenInput(errors.New(strings.Join(others, "\n")))
	}
	for _, other := range others {
		cmd.PrintErrln("note:", other)
	}
	return questions, failures, nil
}

// withEngine are the pods with --engine as their annotation where nothing tells what they start: then
// their arguments are read as that engine's.
func (f *planFlags) withEngine(pods []podspec.Pod) []podspec.Pod {
	if f.launch.engine == "" {
		return pods
	}
	annotated := slices.Clone(pods)
	for i := range annotated {
		pod := &annotated[i]
		if parts := splitServers(pods[i : i+1]); len(parts) != 1 || pod.Annotations[launch.EngineAnnotation] != "" {
			continue
		} else if reading, err := parts[0].launch.Read(); err != nil || reading.IsServer() {
			continue
		}
		pod.Annotations = maps.Clone(pod.Annotations)
		if pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		pod.Annotations[launch.EngineAnnotation] = f.launch.engine
	}
	return annotated
}

// passedOver says why nothing is planned for a pod, "" if something is.
func (f *planFlags) passedOver(pod *manifestPod) string {
	r := &pod.reading
	none, built := modelmemory.NoDevices(&pod.Spec, r)
	switch {
	case built:
		return pod.placeText() + ": " + none
	case r.Launch.Engine == "" && f.launch.engine == "":
		return pod.engineDoubt()
	case r.Model == "" && f.source.name == "" && f.source.config == "":
		return fmt.Sprintf("%s: the model is unknown, because %s; or name it: ashlar plan MODEL -f ...", pod.placeText(), modelDoubt(r))
	}
	return ""
}

// engineDoubt says why it is not known how a pod's server takes memory.
func (p *manifestPod) engineDoubt() string {
	r := &p.reading
	if !r.IsServer() && asksNothing(&p.Spec) {
		return p.placeText() + ": starts no model server that is known here, and asks for no GPU: nothing is planned for it" + p.noteText()
	}
	if !r.IsServer() {
		return fmt.Sprintf("%s: starts no model server that is known here; name its engine with annotation %s or --engine",
			p.placeText(), launch.EngineAnnotation) + p.noteText()
	}
	for _, u := range r.Unknown {
		if u.Field == launch.FieldEngine || u.Field == launch.FieldGPUMemory {
			return fmt.Sprintf("%s: %s: %s", p.placeText(), r.Server, u.Because)
		}
	}
	return fmt.Sprintf("%s: how %s takes memory is not known here", p.placeText(), r.Server)
}

// modelDoubt says why a pod's model is not known.
func modelDoubt(r *launch.Reading) string {
	for _, u := range r.Unknown {
		if u.Field == launch.FieldModel {
			return u.Because
		}
	}
	return "the pod does not name it"
}

// questionOf turns what a pod says into what is planned for. The command line stands
// above the pod.
func (f *planFlags) questionOf(cmd *cobra.Command, pod *manifestPod) (serverQuestion, error) {
	r, source := &pod.reading, f.source
	named := source.name != "" || source.config != ""
	if !named {
		source.name = r.Model
	}
	files := ggufDoubt(r)
	if named || r.Model == "" {
		r.Unknown = slices.DeleteFunc(r.Unknown, func(u launch.Unknown) bool { return u.Field == launch.FieldModel })
	}
	found, err := source.findModel(cmd.Context())
	if err != nil {
		if f.source.name != "" {
			return serverQuestion{}, asUsageError(err)
		}
		if r.GPUMemory > 0 {
			err = fmt.Errorf("%w; Ashlar's scheduler goes by the %s per GPU that the pod states (%s)", err, r.GPUMemory,
				launch.GPUMemoryAnnotation)
		}
		return serverQuestion{}, fmt.Errorf("%s: %w", pod.placeText(), err)
	}
	found.useGGUF(files)
	question := newQuestion(found)
	question.where, question.Launch, question.profiles = pod.placeText(), r.Launch, pod.MIGProfiles()
	question.Demand.Context, question.Demand.Requests = r.Context, r.Concurrency
	question.allowsLong = memoryplan.AllowsLongRequests(&pod.launch, r.Container)
	if err := question.applyOverrides(r.Overrides); err != nil {
		return serverQuestion{}, fmt.Errorf("%s: %s: %w", pod.placeText(), r.Explicit[launch.FieldOverrides], err)
	}
	// What a server does not state, it runs on one GPU.
	if question.Launch.TensorParallel == 0 {
		question.Launch.TensorParallel = 1
	}
	if err := f.launch.applyTo(&question); err != nil {
		return serverQuestion{}, err
	}
	question.addDoubts(r)
	question.dropUnknownDraft()
	question.together, question.replicas, question.scales = int64(pod.Together), pod.Replicas, pod.Scales
	question.notes = append(question.notes, pod.Notes...)
	if none, _ := modelmemory.NoDevices(&pod.Spec, r); none != "" {
		question.notes = append(question.notes, none)
	}
	if r.GPUMemory > 0 {
		note := fmt.Sprintf("the pod states %s per GPU (%s), by which Ashlar's scheduler goes rather than by this account",
			r.GPUMemory, launch.GPUMemoryAnnotation)
		question.notes = append(question.notes, note)
	}
	return question, nil
}
