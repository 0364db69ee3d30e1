package launch

import (
	"fmt"
)

// Program is a program that a container starts, whatever it is.
type Program struct {
	// Words are its name and arguments. What is not known before the container runs stands in
	// them as the pod spells it.
	Words []string
	// Unknown says of words, by their place in Words, why they are not known.
	Unknown map[int]string
	// Place is where in the container it stands: "args[0]".
	Place string
}

// StartedPrograms are the programs that a container's command starts, in order, for each way that a script of
// it may take. The image's own entrypoint is not known. The error is about text that cannot be
// followed: it names the place.
func StartedPrograms(c Container) ([][]Program, error) {
	if err := c.checkBounds(); err != nil {
		return nil, err
	}
	var h unknownTexts
	env, err := c.expandEnv(&h)
	if err != nil {
		return nil, err
	}
	words, err := expandWords(c, env)
	if err != nil {
		return nil, err
	}
	texts, places := make([]string, len(words)), make([]string, len(words))
	for i, word := range words {
		texts[i], places[i] = word.text, word.place
	}
	if len(texts) == 0 {
		return nil, nil
	}
	script, found, err := findScript(texts)
	if err != nil {
		return nil, err
	}
	if !found {
		for i := range texts {
			texts[i] = replaceReferences(&h, h.replaceTemplates(unknownWord, texts[i]))
		}
		return [][]Program{{h.showProgram(texts, places[0])}}, nil
	}
	for i, argument := range script.arguments {
		script.arguments[i] = replaceReferences(&h, h.replaceTemplates(unknownWord, argument))
	}
	ways, err := followScript(&h, h.replaceTemplates(unknownWords, script.text), env, script.arguments, places[script.at])
	if err != nil {
		return nil, fmt.Errorf("%s: %s", places[script.at], h.showText(err.Error()))
	}
	all := make([][]Program, 0, len(ways))
	for _, way := range ways {
		programs := make([]Program, 0, len(way))
		for _, p := range way {
			programs = append(programs, h.showProgram(p.words, p.place))
		}
		all = append(all, programs)
	}
	return all, nil
}

// showProgram is a program as people read it.
func (h *unknownTexts) showProgram(words []string, place string) Program {
	p := Program{Words: make([]string, len(words)), Place: place}
	for i, word := range words {
		p.Words[i] = word
		if unknown, found := h.firstIn(word); found {
			if p.Unknown == nil {
				p.Unknown = map[int]string{}
			}
			p.Words[i], p.Unknown[i] = h.showText(word), unknown.because
		}
	}
	return p
}
