package dryrun

import (
	"regexp"
	"strings"
)

// struckOut stands for what is nobody's business.
const struckOut = "STRUCK-OUT"

var (
	// secretName matches variables and flags that hold secrets: HF_TOKEN, --api-key. Not
	// so MAX_INPUT_TOKENS or --tokenizer.
	secretName = regexp.MustCompile(`(?i)(api[-_]?key|secret|passw(or)?d|credential|[-_]token$|^token$|[-_]key$)`)
	// secretFlag matches such a flag or variable inside a text, with its value.
	secretFlag = regexp.MustCompile(
		`(?i)((?:--?|\b)[a-z0-9_-]*(?:api[-_]?key|secret|passw(?:or)?d|credentials?|[-_]token|access[-_]key)[ =]+)` +
			`("[^"]*"|'[^']*'|[^\s"';&|)]+)`)
)

// withoutSecrets strikes out the values of secrets inside a text: --api-key=X.
func withoutSecrets(text string) string {
	return secretFlag.ReplaceAllString(text, "${1}"+struckOut)
}

// wordsWithoutSecrets does so too where flag and value are words of their own.
func wordsWithoutSecrets(words []string) []string {
	var bare []string
	for i, word := range words {
		if i > 0 && strings.HasPrefix(words[i-1], "-") && !strings.ContainsAny(words[i-1], "= ") && secretName.MatchString(words[i-1]) {
			word = struckOut
		}
		bare = append(bare, withoutSecrets(word))
	}
	return bare
}
