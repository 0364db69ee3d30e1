package launch

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// SplitWords splits a command line into words as a shell does, when it has nothing to
// expand: quotes and backslashes are taken away. A text that needs a shell, for a
// variable, an operator or a wildcard, is an error.
func SplitWords(text string) ([]string, error) {
	if len(text) > MaxText {
		return nil, tooLongError("command line")
	}
	if !utf8.ValidString(text) {
		return nil, errors.New("command line: is not UTF-8 text")
	}
	commands, err := parseScript(text)
	if err != nil {
		return nil, err
	}
	if len(commands) == 0 {
		return nil, nil
	}
	command, plain := commands[0].command.(*simpleCommand)
	if len(commands) > 1 || !plain || commands[0].operator != ";" || len(command.assigns) > 0 {
		return nil, errors.New("is more than one command, give the words of one")
	}
	words := make([]string, 0, len(command.words))
	for _, w := range command.words {
		literal, known := w.literalText()
		if !known || w.hasWildcards() {
			return nil, fmt.Errorf("word %d needs a shell, give it as it is after expansion", len(words)+1)
		}
		words = append(words, literal)
	}
	return words, nil
}

// hasWildcards reports whether the shell looks for files, or expands braces, in the word's
// unquoted text.
func (w shellWord) hasWildcards() bool {
	for _, p := range w {
		if !p.quoted && textHasWildcards(p.text) {
			return true
		}
	}
	return false
}

var braceExpansion = regexp.MustCompile(`\{[^{}]*(,|\.\.)[^{}]*\}`)

func textHasWildcards(text string) bool {
	return strings.ContainsAny(text, "*?[") || braceExpansion.MatchString(text)
}
