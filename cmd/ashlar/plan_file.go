package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// maxManifest bounds the text of a manifest; API servers take 3 MiB per object.
const maxManifest = 16 << 20

// fromFile reads the model servers of the manifest.
func (f *planFlags) fromFile(cmd *cobra.Command) ([]asked, error) {
	text, err := readManifest(cmd.InOrStdin(), f.file)
	if err != nil {
		return nil, err
	}
	if f.file == "-" {
		f.file = "standard input"
	}
	pods, err := podsIn(f.file, text)
	if err != nil {
		return nil, err
	}
	if len(pods) == 0 {
		return nil, fmt.Errorf("%s: no pod in it: want objects that have containers, like a Pod or a Deployment", f.file)
	}
	var all []asked
	var others []string
	for _, pod := range pods {
		reading, err := pod.Read()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pod.where(), err)
		}
		if reading.Launch.Engine == "" && f.launch.engine == "" {
			others = append(others, pod.unaccounted(&reading))
			continue
		}
		if reading.Model == "" && f.source.name == "" && f.source.config == "" {
			others = append(others, fmt.Sprintf("%s: the model is unknown, because %s; or name it: ashlar plan MODEL -f ...", pod.where(), because(&reading, launch.FieldModel)))
			continue
		}
		one, err := f.askedBy(cmd, &pod, &reading)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, errors.New(strings.Join(others, "; "))
	}
	for _, other := range others {
		cmd.PrintErrln("note:", other)
	}
	return all, nil
}

func readManifest(stdin io.Reader, name string) ([]byte, error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	text, err := io.ReadAll(io.LimitReader(from, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(text) > maxManifest {
		return nil, fmt.Errorf("%s:1: more than %d bytes, keep fewer objects in a file", name, maxManifest)
	}
	if bytes.Contains(text, []byte("{{")) && bytes.Contains(text, []byte(".Values")) {
		return nil, fmt.Errorf("%s: is a template of Helm's: render it first, helm template ... | ashlar plan -f -", name)
	}
	return text, nil
}

// unaccounted says why nothing is planned for a pod.
func (p *filePod) unaccounted(r *launch.Reading) string {
	if !r.IsServer() {
		return fmt.Sprintf("%s: starts no model server that is known here; name its engine with annotation %s or --engine", p.where(), launch.EngineAnnotation)
	}
	for _, u := range r.Unknown {
		if u.Field == launch.FieldEngine || u.Field == launch.FieldGPUMemory {
			return fmt.Sprintf("%s: %s: %s", p.where(), r.Server, u.Because)
		}
	}
	return fmt.Sprintf("%s: how %s takes memory is not known here", p.where(), r.Server)
}

// askedBy turns what a pod says into what is planned for. The command line stands
// above the pod.
func (f *planFlags) askedBy(cmd *cobra.Command, pod *filePod, r *launch.Reading) (asked, error) {
	one := asked{where: pod.where(), launch: r.Launch}
	one.demand.Context, one.demand.Requests = r.Context, r.Concurrency
	source := f.source
	if source.name == "" && source.config == "" {
		source.name = r.Model
	}
	if r.Model == "" || f.source.name != "" || f.source.config != "" {
		r.Unknown = slices.DeleteFunc(r.Unknown, func(u launch.Unknown) bool { return u.Field == launch.FieldModel })
	}
	var err error
	if one.found, err = source.find(cmd.Context()); err != nil {
		if f.source.name != "" {
			return one, misnamed(err)
		}
		return one, fmt.Errorf("%s: %w", pod.where(), err)
	}
	one.allowsLong = pod.allowsLong(r.Container)
	if len(r.Overrides) > 0 {
		if one.found, err = one.overridden(r.Overrides); err != nil {
			return one, fmt.Errorf("%s: %s: %w", pod.where(), r.Explicit[launch.FieldOverrides], err)
		}
	}
	// What a server does not state, it runs on one GPU.
	if one.launch.TensorParallel == 0 {
		one.launch.TensorParallel = 1
	}
	if err := f.launch.over(&one); err != nil {
		return one, err
	}
	one.doubts(r)
	if r.GPUMemory > 0 {
		one.notes = append(one.notes, fmt.Sprintf("the pod states %s per GPU (%s), by which Ashlar's scheduler goes rather than by this account", r.GPUMemory, launch.GPUMemoryAnnotation))
	}
	one.profiles = pod.profiles()
	return one, nil
}

func because(r *launch.Reading, field launch.Field) string {
	for _, u := range r.Unknown {
		if u.Field == field {
			return u.Because
		}
	}
	return "the pod does not name it"
}

// doubts notes what a reading leaves open.
func (a *asked) doubts(r *launch.Reading) {
	for _, u := range r.Unknown {
		if u.Field == launch.FieldFitModelLen && !r.IsKnown(launch.FieldMaxModelLen) {
			continue // one flag sets both
		}
		a.unknown = append(a.unknown, planUnknown{Field: u.Field.String(), Because: u.Because})
	}
	a.notes = append(a.notes, r.Contradictions...)
	if len(r.Unrecognised) > 0 {
		a.notes = append(a.notes, "taken to be without effect on memory: "+strings.Join(r.Unrecognised, " "))
	}
}

// overridden is the model with changes to its config.json, as vLLM's --hf-overrides
// makes them.
func (f found) overridden(overrides map[string]any) (found, error) {
	if f.config == nil {
		return f, errors.New("changes the architecture, and there is no config.json to change")
	}
	text, err := merged(f.config, overrides)
	if err != nil {
		return f, err
	}
	m, err := model.Parse(text)
	if err != nil {
		return f, err
	}
	m.Name = f.model.Name
	f.model, f.config = m, text
	return f, nil
}
