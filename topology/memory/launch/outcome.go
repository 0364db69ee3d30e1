package launch

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// outcome is a model server as a container may start it.
type outcome struct {
	program *program
	words   []argument
	env     environment
	// beside are what the script starts before the server and at its side.
	beside []started
	// again is how many further model servers run at the same time.
	again int
	// spread says that other Nodes take part.
	spread bool
	// opaque says why the server's words are out of reach, "" if they are not.
	opaque string
}

// script follows a shell script.
func (s *source) script(inner script, place string, env environment) ([]outcome, error) {
	text := s.holes.templates(manyWords, inner.text)
	for i, argument := range inner.arguments {
		inner.arguments[i] = references(&s.holes, s.holes.templates(oneWord, argument))
	}
	known, isKnown := imageOf(s.container.Image)
	ways, err := runs(&s.holes, text, env, inner.arguments, place)
	if err != nil {
		if !isKnown && mentioned(text) == nil {
			return nil, nil
		}
		p := known.program
		if p == nil {
			p = mentioned(text)
		}
		return []outcome{{program: p, opaque: place + ": " + s.holes.show(err.Error())}}, nil
	}
	var all []outcome
	unclear := ""
	for _, programs := range ways {
		o := outcome{beside: programs}
		for _, p := range programs {
			server, rest := find(arguments(p))
			if server == nil {
				if hasHole(p.words[0]) || isScript(p.words) {
					unclear = p.place + ": what " + s.holes.show(p.words[0]) + " starts is not in the pod"
				}
				continue
			}
			if o.spread = o.spread || server == rayNode; server == rayNode {
				continue
			}
			if o.program != nil {
				o.again++
				continue
			}
			o.program, o.words, o.env = server, rest, p.env
			if !p.beside {
				break
			}
		}
		if o.program == nil && o.spread {
			o.program = rayNode
		}
		if o.program != nil {
			all = append(all, o)
		}
	}
	if len(all) == 0 && isKnown && unclear != "" {
		return []outcome{{program: known.program, opaque: unclear}}, nil
	}
	return all, nil
}

// mentioned is the server that a script which cannot be followed speaks of.
func mentioned(text string) *program {
	for _, name := range []struct {
		text    string
		program *program
	}{
		{"sglang.launch_server", sglangServer}, {"text-generation-launcher", tgiLauncher}, {"trtllm-serve", trtllmServe},
		{"tritonserver", tritonServer}, {"huggingfaceserver", huggingface}, {"vllm serve", vllmServe}, {"vllm.entrypoints", vllmModule},
	} {
		if strings.Contains(text, name.text) {
			return name.program
		}
	}
	return nil
}

// merge reads all outcomes and keeps what they agree on.
func (s *source) merge(all []outcome) (Reading, error) {
	var merged Reading
	var refused error
	read := 0
	for _, o := range all {
		r, err := s.reading(o)
		if err != nil {
			refused = errors.Join(refused, err)
			continue
		}
		if read++; read == 1 {
			merged = r
			continue
		}
		merged.agree(r)
	}
	switch {
	case len(all) == 0:
		return Reading{Container: s.container.Name, Stated: map[string]string{}}, nil
	case read == 0:
		return Reading{Container: s.container.Name, Stated: map[string]string{}}, first(refused)
	}
	return merged, nil
}

// first is the first of joined errors: the others are its likes.
func first(err error) error {
	var joined interface{ Unwrap() []error }
	for errors.As(err, &joined) && len(joined.Unwrap()) > 0 {
		err = joined.Unwrap()[0]
	}
	return err
}

// agree makes unknown what another outcome has otherwise.
func (r *Reading) agree(other Reading) {
	differs := func(field string, mine, others any) {
		if !reflect.DeepEqual(mine, others) && r.Settled(field) {
			r.doubt(field, fmt.Sprintf("the script decides when it runs: %v or %v", orDefault(mine), orDefault(others)))
		}
	}
	differs("Server", r.Server, other.Server)
	differs("Model", r.Model, other.Model)
	differs("Overrides", r.Overrides, other.Overrides)
	mine, others := reflect.ValueOf(r.Launch), reflect.ValueOf(other.Launch)
	for i := range mine.NumField() {
		differs(mine.Type().Field(i).Name, mine.Field(i).Interface(), others.Field(i).Interface())
	}
	for _, u := range other.Unknown {
		r.doubt(u.Field, u.Because)
	}
	for _, c := range other.Contradictions {
		if !slices.Contains(r.Contradictions, c) {
			r.Contradictions = append(r.Contradictions, c)
		}
	}
	for _, u := range other.Unrecognised {
		if !slices.Contains(r.Unrecognised, u) {
			r.Unrecognised = append(r.Unrecognised, u)
		}
	}
}

func orDefault(value any) any {
	if v := reflect.ValueOf(value); !v.IsValid() || v.IsZero() {
		return "not stated"
	}
	return value
}

// reading reads one outcome.
func (s *source) reading(o outcome) (Reading, error) {
	c := s.container
	r := Reading{Server: o.program.server, Container: c.Name, Stated: map[string]string{}}
	r.Launch.Engine = o.program.engine
	if o.program.engine != "" {
		r.Stated["Engine"] = "program " + o.program.server
	}
	if o.again > 0 {
		r.Contradictions = append(r.Contradictions, fmt.Sprintf("the container starts %d model servers, of which the first is read: give each a pod, or state the memory of all with annotation %s", o.again+1, GPUMemory))
	}
	d := o.program.dialect
	if d == nil {
		for _, field := range []string{"Engine", "Model"} {
			r.doubt(field, o.program.because)
		}
		return r, nil
	}
	found, known := imageOf(c.Image)
	r.version(c.Image, found, known && found.program.engine == o.program.engine && found.program.engine != "")
	if s.version != nil {
		r.Launch.Version = *s.version
		r.settle("Version", "annotation "+EngineVersion)
	}
	if o.opaque != "" {
		for i := range d.settings {
			for _, field := range d.settings[i].fields {
				r.doubt(field, o.opaque)
			}
		}
		return r, nil
	}
	a := &application{Reading: &r, program: o.program, holes: &s.holes, env: o.env, gpus: c.GPUs, files: c.Files, stored: s.stored}
	if err := a.apply(o.words); err != nil {
		return r, s.clean(err)
	}
	if o.program == tritonServer {
		if err := a.filled(o.beside); err != nil {
			return r, s.clean(err)
		}
	}
	if !o.spread && !c.inGroup() {
		a.contradict(c.GPUs)
	}
	return r, nil
}

// clean takes holes out of an error's text.
func (s *source) clean(err error) error {
	if !hasHole(err.Error()) {
		return err
	}
	return errors.New(s.holes.show(err.Error()))
}

// isSetting reports whether a variable is one that a server reads.
func isSetting(name string) bool {
	if name == "VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS" || strings.HasSuffix(name, "_PP_LAYER_PARTITION") {
		return true
	}
	for i := range tgiLauncher.dialect.settings {
		if tgiLauncher.dialect.settings[i].env == name {
			return true
		}
	}
	return false
}
