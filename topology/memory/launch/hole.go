package launch

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A hole is a stretch of text that is not known before the container runs. In
// strings it stands as a number between two bytes that no UTF-8 text has, so that
// text with holes is joined, cut and compared like any other.
type hole struct {
	// spelling is what the pod has in its place: "${LENGTH}".
	spelling, because string
}

const (
	oneWord   = "\xff" // begins a hole that is one word, or part of one
	manyWords = "\xfd" // begins a hole that the shell may split into any number of words
	holeEnd   = "\xfe"
	// maxHoles bounds the holes of one container.
	maxHoles = 1 << 12
)

type holes struct {
	list []hole
	at   map[hole]int // where in list
}

// add returns the text that stands for a hole.
func (h *holes) add(begin, spelling, because string) string {
	this := hole{spelling, because}
	i, found := h.at[this]
	if !found {
		if len(h.list) == maxHoles {
			this = hole{"...", "there is more that is not known before the container runs than can be listed"}
			h.list[maxHoles-1] = this
		} else {
			h.list = append(h.list, this)
		}
		if h.at == nil {
			h.at = map[hole]int{}
		}
		i = len(h.list) - 1
		h.at[this] = i
	}
	return begin + strconv.Itoa(i) + holeEnd
}

// first finds the first hole in a text.
func (h *holes) first(text string) (hole, bool) {
	start := firstHole(text)
	if start < 0 {
		return hole{}, false
	}
	end := strings.Index(text[start:], holeEnd)
	if end < 0 {
		return hole{}, false
	}
	i, err := strconv.Atoi(text[start+1 : start+end])
	if err != nil || i >= len(h.list) {
		return hole{}, false
	}
	return h.list[i], true
}

// firstHole is strings.IndexAny for bytes that are no UTF-8.
func firstHole(text string) int {
	one, many := strings.Index(text, oneWord), strings.Index(text, manyWords)
	switch {
	case one < 0:
		return many
	case many < 0:
		return one
	}
	return min(one, many)
}

// show is the text as the pod has it.
func (h *holes) show(text string) string {
	var b strings.Builder
	for {
		start := firstHole(text)
		if start < 0 {
			break
		}
		end := strings.Index(text[start:], holeEnd)
		if end < 0 {
			break
		}
		b.WriteString(text[:start])
		if i, err := strconv.Atoi(text[start+1 : start+end]); err == nil && i < len(h.list) {
			b.WriteString(h.list[i].spelling)
		}
		text = text[start+end+1:]
	}
	b.WriteString(text)
	return b.String()
}

// within finds the first hole in a JSON value.
func (h *holes) within(value any) (hole, bool) {
	switch v := value.(type) {
	case string:
		return h.first(v)
	case []any:
		for _, element := range v {
			if found, is := h.within(element); is {
				return found, true
			}
		}
	case map[string]any:
		for _, key := range sortedKeys(v) {
			if found, is := h.within(key); is {
				return found, true
			}
			if found, is := h.within(v[key]); is {
				return found, true
			}
		}
	}
	return hole{}, false
}

func sortedKeys(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }

func hasHole(text string) bool  { return firstHole(text) >= 0 }
func widen(text string) string  { return strings.ReplaceAll(text, oneWord, manyWords) }
func narrow(text string) string { return strings.ReplaceAll(text, manyWords, oneWord) }

// template is an action of Helm's or Go's templates. JSON has no "{{".
var template = regexp.MustCompile(`\{\{[^{}]*\}\}`)

// templates puts holes in the place of template actions.
func (h *holes) templates(begin, text string) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	return template.ReplaceAllStringFunc(text, func(action string) string {
		return h.add(begin, action, fmt.Sprintf("%s is filled in by a template, render it first", action))
	})
}
