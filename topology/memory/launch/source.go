package launch

import (
	"fmt"
	"path"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// read reads one container.
func read(c Container, stored map[string]string) (Reading, error) { return readAs(c, stored, nil) }

// readAs reads one container of a pod that may state the engine's release.
func readAs(c Container, stored map[string]string, version *memory.Version) (Reading, error) {
	none := Reading{Container: c.Name, Stated: map[string]string{}}
	if err := c.check(); err != nil {
		return none, err
	}
	s := &source{container: c, stored: map[string]string{}, version: version}
	for folder, uri := range stored {
		s.stored[folder] = uri
	}
	programs, err := s.programs()
	if err != nil {
		return none, err
	}
	return s.merge(programs)
}

// source is a container that is being read.
type source struct {
	container Container
	holes     holes
	stored    map[string]string
	version   *memory.Version
}

// programs returns what the container starts, for each way that it may turn out.
func (s *source) programs() ([]outcome, error) {
	c := s.container
	env, err := c.environment(&s.holes)
	if err != nil {
		return nil, err
	}
	if uri := env[storageURI]; uri != "" && !hasHole(uri) {
		if _, found := s.stored[modelDir]; !found {
			s.stored[modelDir] = uri
		}
	}
	words, total := make([]argument, 0, len(c.Command)+len(c.Args)), 0
	for _, part := range []struct {
		name string
		list []string
	}{{"command", c.Command}, {"args", c.Args}} {
		for i, text := range part.list {
			place := fmt.Sprintf("%s[%d]", part.name, i)
			expanded, err := expand(text, env)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", place, err)
			}
			if total += len(expanded); total > MaxText {
				return nil, tooLong(place)
			}
			words = append(words, argument{expanded, place})
		}
	}
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.text
	}
	inner, found, err := scriptOf(texts)
	if err != nil {
		return nil, err
	}
	if found {
		return s.script(inner, words[inner.at].place, env)
	}
	for i := range words {
		words[i].text = references(&s.holes, s.holes.templates(oneWord, words[i].text))
	}
	p, rest := find(words)
	known, isKnown := imageOf(c.Image)
	switch {
	case p != nil:
	case len(c.Command) == 0 && isKnown && known.entrypoint:
		p, rest = known.program, words
	case c.Engine != "" && len(words) > 0 && (len(c.Command) == 0 || isFlag(words[0].text)):
		p, rest = byEngine[c.Engine], words
	case c.Engine != "" && len(words) == 0:
		p = byEngine[c.Engine]
	case isKnown && len(words) > 0 && isScript(texts):
		return []outcome{{program: known.program, opaque: fmt.Sprintf("%s: what the script %s starts is not in the pod", words[0].place, s.holes.show(strings.Join(texts, " ")))}}, nil
	case c.Engine != "":
		return []outcome{{program: byEngine[c.Engine], opaque: fmt.Sprintf("%s: what it tells %s is not known", s.holes.show(strings.Join(texts, " ")), c.Engine)}}, nil
	}
	if p == nil {
		return nil, nil
	}
	return []outcome{{program: p, words: rest, env: env}}, nil
}

// isScript reports whether words start a shell script in a file.
func isScript(words []string) bool {
	first := path.Base(words[0])
	for _, shell := range shells {
		if first == shell {
			return len(words) > 1
		}
	}
	return strings.HasSuffix(first, ".sh") || strings.HasPrefix(first, "entrypoint") || hasHole(words[0])
}
