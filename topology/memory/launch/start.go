package launch

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// serverStart is a model server as a container may start it.
type serverStart struct {
	program *serverProgram
	words   []placedWord
	env     containerEnv
	// beside are what the script starts before the server and at its side.
	beside []startedProgram
	// again is how many further model servers run at the same time.
	again int
	// spread says that other Nodes take part.
	spread bool
	// opaque says why the server's words are out of reach, "" if they are not.
	opaque string
}

// readScript follows a shell script.
func (s *containerSource) readScript(inner shellScript, place string, env containerEnv) ([]serverStart, error) {
	text := s.unknowns.replaceTemplates(unknownWords, inner.text)
	for i, argument := range inner.arguments {
		inner.arguments[i] = replaceReferences(&s.unknowns, s.unknowns.replaceTemplates(unknownWord, argument))
	}
	known, isKnown := findImage(s.container.Image)
	isKnown = isKnown && !known.loose
	ways, err := followScript(&s.unknowns, text, env, inner.arguments, place)
	if err != nil {
		if !isKnown && findMentioned(text) == nil {
			return nil, nil
		}
		p := known.program
		if !isKnown || p == nil {
			p = findMentioned(text)
		}
		return []serverStart{{program: p, opaque: place + ": " + s.unknowns.showText(err.Error())}}, nil
	}
	var all []serverStart
	unclear := ""
	for _, programs := range ways {
		o, forced := serverStart{beside: programs}, serverStart{}
		for _, p := range programs {
			server, rest := findServer(placedWords(p))
			if server == nil {
				if given := forcedWords(placedWords(p)); s.container.Engine != "" && given != nil {
					forced = serverStart{program: forcedServer(s.container.Engine), words: given, env: p.env}
				}
				if hasUnknown(p.words[0]) || isScriptFile(p.words) {
					unclear = p.place + ": what " + s.unknowns.showText(p.words[0]) + " starts is not in the pod"
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
		if o.program == nil && forced.program != nil {
			o.program, o.words, o.env = forced.program, forced.words, forced.env
		}
		if o.program != nil {
			all = append(all, o)
		}
	}
	if len(all) == 0 && isKnown && unclear != "" {
		return []serverStart{{program: known.program, opaque: unclear}}, nil
	}
	return all, nil
}

// findMentioned is the server that a script which cannot be followed speaks of.
func findMentioned(text string) *serverProgram {
	for _, name := range []struct {
		text    string
		program *serverProgram
	}{
		{"sglang.launch_server", sglangServer}, {"text-generation-launcher", tgiLauncher}, {"trtllm-serve", trtllmServe},
		{"tritonserver", tritonServer}, {"huggingfaceserver", huggingfaceServer}, {"vllm serve", vllmServe}, {"vllm.entrypoints", vllmModule},
	} {
		if strings.Contains(text, name.text) {
			return name.program
		}
	}
	return nil
}

// mergeStarts reads all outcomes and keeps what they agree on.
func (s *containerSource) mergeStarts(all []serverStart) (Reading, error) {
	var merged Reading
	var refused error
	read := 0
	for _, o := range all {
		r, err := s.readStart(o)
		if err != nil {
			refused = errors.Join(refused, err)
			continue
		}
		if read++; read == 1 {
			merged = r
			continue
		}
		merged.keepAgreement(r)
	}
	switch {
	case len(all) == 0:
		return Reading{Container: s.container.Name, Explicit: map[Field]string{}}, nil
	case read == 0:
		return Reading{Container: s.container.Name, Explicit: map[Field]string{}}, firstError(refused)
	}
	return merged, nil
}

// firstError is the first of joined errors: the others are its likes.
func firstError(err error) error {
	var joined interface{ Unwrap() []error }
	for errors.As(err, &joined) && len(joined.Unwrap()) > 0 {
		err = joined.Unwrap()[0]
	}
	return err
}

// keepAgreement makes unknown what another outcome has otherwise.
func (r *Reading) keepAgreement(other Reading) {
	differs := func(field Field, mine, others any) {
		if !reflect.DeepEqual(mine, others) && r.IsKnown(field) {
			r.markUnknown(field, fmt.Sprintf("the script decides when it runs: %v or %v", orNotStated(mine), orNotStated(others)))
		}
	}
	differs(FieldServer, r.Server, other.Server)
	differs(FieldModel, r.Model, other.Model)
	differs(FieldOverrides, r.Overrides, other.Overrides)
	mine, others := reflect.ValueOf(r.Launch), reflect.ValueOf(other.Launch)
	for field := FieldEngine; field < fieldsEnd; field++ {
		differs(field, mine.FieldByName(field.String()).Interface(), others.FieldByName(field.String()).Interface())
	}
	for _, u := range other.Unknown {
		r.markUnknown(u.Field, u.Because)
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

func orNotStated(value any) any {
	if v := reflect.ValueOf(value); !v.IsValid() || v.IsZero() {
		return "not stated"
	}
	return value
}

// readStart reads one outcome.
func (s *containerSource) readStart(o serverStart) (Reading, error) {
	c := s.container
	r := Reading{Server: o.program.server, Container: c.Name, Explicit: map[Field]string{}}
	r.Launch.Engine = o.program.engine
	if o.program.engine != "" {
		r.Explicit[FieldEngine] = "program " + o.program.server
	}
	if o.again > 0 {
		r.Contradictions = append(r.Contradictions,
			fmt.Sprintf("the container starts %d model servers, of which the first is read: give each a pod, or state the memory of all with "+
				"annotation %s", o.again+1, GPUMemoryAnnotation))
	}
	d := o.program.dialect
	if d == nil {
		for _, field := range []Field{FieldEngine, FieldModel} {
			r.markUnknown(field, o.program.because)
		}
		return r, nil
	}
	found, known := findImage(c.Image)
	r.readVersion(c.Image, found, known && found.program.engine == o.program.engine && found.program.engine != "")
	if s.version != nil {
		r.Launch.Version = *s.version
		r.markKnown(FieldVersion, "annotation "+EngineVersionAnnotation)
	}
	if o.opaque != "" {
		for i := range d.settings {
			for _, field := range d.settings[i].fields {
				r.markUnknown(field, o.opaque)
			}
		}
		return r, nil
	}
	a := &flagReader{
		reading:  &r,
		program:  o.program,
		unknowns: &s.unknowns,
		env:      o.env,
		gpus:     c.GPUs,
		image:    c.Image,
		files:    c.Files,
		stored:   s.stored,
	}
	if err := a.readWords(o.words); err != nil {
		return r, s.showError(err)
	}
	if o.program == tritonServer {
		if err := a.readTemplates(o.beside); err != nil {
			return r, s.showError(err)
		}
	}
	if !o.spread && !c.inWorkerGroup() {
		a.compareGPUs(c.GPUs)
	}
	return r, nil
}

// showError shows unknown text as the pod has it in an error's text.
func (s *containerSource) showError(err error) error {
	if !hasUnknown(err.Error()) {
		return err
	}
	return errors.New(s.unknowns.showText(err.Error()))
}

// isServerVariable reports whether a variable is one that a server reads.
func isServerVariable(name string) bool {
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
