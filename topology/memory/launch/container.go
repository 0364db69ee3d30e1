package launch

import (
	"fmt"
	"path"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// readContainer reads one container.
func readContainer(c Container, stored map[string]string) (Reading, error) {
	return readVersioned(c, stored, nil)
}

// readVersioned reads one container of a pod that may state the engine's release.
func readVersioned(c Container, stored map[string]string, version *memory.Version) (Reading, error) {
	none := Reading{Container: c.Name, Explicit: map[Field]string{}}
	if err := c.checkBounds(); err != nil {
		return none, err
	}
	s := &containerSource{container: c, stored: map[string]string{}, version: version}
	for folder, uri := range stored {
		s.stored[folder] = uri
	}
	programs, err := s.findStarts()
	if err != nil {
		return none, err
	}
	return s.mergeStarts(programs)
}

// containerSource is a container that is being read.
type containerSource struct {
	container Container
	unknowns  unknownTexts
	stored    map[string]string
	version   *memory.Version
}

// findStarts returns what the container starts, for each way that it may turn out.
func (s *containerSource) findStarts() ([]serverStart, error) {
	c := s.container
	env, err := c.expandEnv(&s.unknowns)
	if err != nil {
		return nil, err
	}
	if uri := env[storageURI]; uri != "" && !hasUnknown(uri) {
		if _, found := s.stored[modelFolder]; !found {
			s.stored[modelFolder] = uri
		}
	}
	words, err := expandWords(c, env)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.text
	}
	inner, found, err := findScript(texts)
	if err != nil {
		return nil, err
	}
	if found {
		return s.readScript(inner, words[inner.at].place, env)
	}
	for i := range words {
		words[i].text = replaceReferences(&s.unknowns, s.unknowns.replaceTemplates(unknownWord, words[i].text))
	}
	p, rest := findServer(words)
	known, isKnown := findImage(c.Image)
	switch {
	case p != nil:
	case len(c.Command) == 0 && isKnown && known.entrypoint:
		p, rest = known.program, words
	case len(c.Command) == 0 && isKnown && known.startsByArguments(words, env) != nil:
		p, rest = known.startsByArguments(words, env), words
	case len(c.Command) == 0 && !isKnown && env["MODEL_ID"] != "" && env["NUM_SHARD"] != "":
		p, rest = tgiLauncher, words // no other server has these variables
	case len(c.Command) == 0 && (!isKnown || known.loose) && serverOfArguments(words) != nil:
		p, rest = serverOfArguments(words), words
	case c.Engine != "" && len(words) > 0 && (len(c.Command) == 0 || isFlagWord(words[0].text)):
		p, rest = engineServers[c.Engine], words
	case c.Engine != "" && len(words) == 0:
		p = engineServers[c.Engine]
	case c.Engine != "" && forcedWords(words) != nil:
		p, rest = forcedServer(c.Engine), forcedWords(words)
	case isKnown && !known.loose && len(words) > 0 && isScriptFile(texts):
		return []serverStart{{program: known.program,
			opaque: fmt.Sprintf("%s: what the script %s starts is not in the pod", words[0].place,
				s.unknowns.showText(strings.Join(texts, " ")))}}, nil
	case c.Engine != "":
		return []serverStart{{program: engineServers[c.Engine],
			opaque: fmt.Sprintf("%s: what it tells %s is not known", s.unknowns.showText(strings.Join(texts, " ")), c.Engine)}}, nil
	}
	if p == nil {
		return nil, nil
	}
	return []serverStart{{program: p, words: rest, env: env}}, nil
}

// isScriptFile reports whether words start a shell script in a file.
func isScriptFile(words []string) bool {
	first := path.Base(words[0])
	for _, shell := range shellNames {
		if first == shell {
			return len(words) > 1
		}
	}
	return strings.HasSuffix(first, ".sh") || strings.HasPrefix(first, "entrypoint") || hasUnknown(words[0])
}

// expandWords are the words of a container's command and arguments, with references to variables expanded, and
// where each stands.
func expandWords(c Container, env map[string]string) ([]placedWord, error) {
	words, total := make([]placedWord, 0, len(c.Command)+len(c.Args)), 0
	for _, part := range []struct {
		name string
		list []string
	}{{"command", c.Command}, {"args", c.Args}} {
		for i, text := range part.list {
			place := fmt.Sprintf("%s[%d]", part.name, i)
			expanded, err := expandReferences(text, env)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", place, err)
			}
			if total += len(expanded); total > MaxText {
				return nil, tooLongError(place)
			}
			words = append(words, placedWord{expanded, place})
		}
	}
	return words, nil
}
