package launch

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// unknownText is a stretch of text that is not known before the container runs. In
// strings it stands as a number between two bytes that no UTF-8 text has, so that
// text with unknown text is joined, cut and compared like any other.
type unknownText struct {
	// spelling is what the pod has in its place: "${LENGTH}".
	spelling, because string
}

const (
	unknownWord  = "\xff" // begins unknown text that is one word, or part of one
	unknownWords = "\xfd" // begins unknown text that the shell may split into any number of words
	unknownEnd   = "\xfe"
	// maxUnknown bounds the unknown texts of one container.
	maxUnknown = 1 << 12
)

type unknownTexts struct {
	list []unknownText
	at   map[unknownText]int // where in list
}

// addText returns the text that stands for unknown text.
func (h *unknownTexts) addText(begin, spelling, because string) string {
	this := unknownText{spelling, because}
	i, found := h.at[this]
	if !found {
		if len(h.list) == maxUnknown {
			this = unknownText{"...", "there is more that is not known before the container runs than can be listed"}
			h.list[maxUnknown-1] = this
		} else {
			h.list = append(h.list, this)
		}
		if h.at == nil {
			h.at = map[unknownText]int{}
		}
		i = len(h.list) - 1
		h.at[this] = i
	}
	return begin + strconv.Itoa(i) + unknownEnd
}

// firstIn finds the first unknown text in a text.
func (h *unknownTexts) firstIn(text string) (unknownText, bool) {
	start := indexUnknown(text)
	if start < 0 {
		return unknownText{}, false
	}
	end := strings.Index(text[start:], unknownEnd)
	if end < 0 {
		return unknownText{}, false
	}
	i, err := strconv.Atoi(text[start+1 : start+end])
	if err != nil || i >= len(h.list) {
		return unknownText{}, false
	}
	return h.list[i], true
}

// indexUnknown is where the first unknown text begins, -1 if there is none.
func indexUnknown(text string) int {
	for i := range len(text) {
		if text[i] == unknownWord[0] || text[i] == unknownWords[0] {
			return i
		}
	}
	return -1
}

// showText is the text as the pod has it.
func (h *unknownTexts) showText(text string) string {
	var b strings.Builder
	for {
		start := indexUnknown(text)
		if start < 0 {
			break
		}
		end := strings.Index(text[start:], unknownEnd)
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

// firstInJSON finds the first unknown text in a JSON value.
func (h *unknownTexts) firstInJSON(value any) (unknownText, bool) {
	switch v := value.(type) {
	case string:
		return h.firstIn(v)
	case []any:
		for _, element := range v {
			if found, is := h.firstInJSON(element); is {
				return found, true
			}
		}
	case map[string]any:
		for _, key := range sortedKeys(v) {
			if found, is := h.firstInJSON(key); is {
				return found, true
			}
			if found, is := h.firstInJSON(v[key]); is {
				return found, true
			}
		}
	}
	return unknownText{}, false
}

func sortedKeys(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }

func hasUnknown(text string) bool    { return indexUnknown(text) >= 0 }
func asManyWords(text string) string { return strings.ReplaceAll(text, unknownWord, unknownWords) }
func asOneWord(text string) string   { return strings.ReplaceAll(text, unknownWords, unknownWord) }

// templateAction is an action of Helm's or Go's templates. JSON has no "{{".
var templateAction = regexp.MustCompile(`\{\{[^{}]*\}\}`)

// replaceTemplates puts unknown text in the place of template actions.
func (h *unknownTexts) replaceTemplates(begin, text string) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	return templateAction.ReplaceAllStringFunc(text, func(action string) string {
		return h.addText(begin, action, fmt.Sprintf("%s is filled in by a template, render it first", action))
	})
}
