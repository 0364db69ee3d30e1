package yamlfile

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Plain scalars, as YAML 1.2's core schema resolves them. Octal numbers may start with a
// plain 0 as well, as file modes do in manifests.
var (
	nullWords   = []string{"", "~", "null", "Null", "NULL"}
	trueWords   = []string{"true", "True", "TRUE"}
	falseWords  = []string{"false", "False", "FALSE"}
	integerText = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	floatText   = regexp.MustCompile(`^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

// plainKind is the kind of a scalar without quotes.
func plainKind(text string) Kind {
	switch {
	case slices.Contains(nullWords, text):
		return KindNull
	case slices.Contains(trueWords, text), slices.Contains(falseWords, text):
		return KindBoolean
	case integerText.MatchString(text):
		return KindInteger
	case floatText.MatchString(text):
		return KindFloat
	}
	return KindString
}

// olderTruth are the further words for true and false of YAML 1.1, which people and
// kubectl still go by. They count only where true or false is wanted, and are text
// everywhere else.
var olderTruth = map[string]bool{"yes": true, "on": true, "no": false, "off": false}

func isTrue(text string) bool { return slices.Contains(trueWords, text) }

// numberOf is an int64, uint64 or float64. Text is of KindInteger or KindFloat.
func numberOf(text string) any {
	if integerText.MatchString(text) {
		digits := strings.TrimPrefix(text, "+")
		if number, err := strconv.ParseInt(digits, 0, 64); err == nil {
			return number
		}
		if number, err := strconv.ParseUint(digits, 0, 64); err == nil {
			return number
		}
	}
	switch strings.ToLower(text) {
	case ".inf", "+.inf":
		return math.Inf(1)
	case "-.inf":
		return math.Inf(-1)
	case ".nan":
		return math.NaN()
	}
	number, _ := strconv.ParseFloat(text, 64) // an infinity if it is too large
	return number
}
