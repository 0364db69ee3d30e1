package launch

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// numberEndings are the endings of Number: small letters count in thousands, capital
// letters in 1024s.
var numberEndings = map[byte]int64{
	'k': 1e3, 'm': 1e6, 'g': 1e9, 't': 1e12,
	'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40,
}

var errTooMany = errors.New("is more than can be counted")

// ParseNumber reads a whole number as vLLM's human_readable_int does: 32k is 32,000, 32K
// is 32,768, 25.6k is 25,600 and 25.6K is refused.
func ParseNumber(text string) (int64, error) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return 0, fmt.Errorf("%q is not a whole number, nor one like 32k (32,000) or 32K (32,768)", text)
	}
	ending := trimmed[len(trimmed)-1]
	scale, scaled := numberEndings[ending]
	if !scaled {
		n, err := parseWhole(text)
		if err != nil && !errors.Is(err, errTooMany) {
			err = fmt.Errorf("%w, nor one like 32k (32,000) or 32K (32,768)", err)
		}
		return n, err
	}
	number := trimmed[:len(trimmed)-1]
	digits, decimals, pointed := strings.Cut(number, ".")
	if !isDigits(digits) || pointed && !isDigits(decimals) {
		return 0, fmt.Errorf("%q is not a whole number, nor one like 32k (32,000) or 32K (32,768)", text)
	}
	if pointed && ending < 'a' {
		return 0, fmt.Errorf("%q has decimals and counts in 1024s, write %s%c to count in thousands", text, number, ending-'A'+'a')
	}
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || value*float64(scale) >= math.MaxInt64/2 {
		return 0, fmt.Errorf("%q %w", text, errTooMany)
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		return n * scale, nil
	}
	return int64(value * float64(scale)), nil
}

// parseWhole reads what Python's int() does: a sign, digits, single underscores between.
func parseWhole(text string) (int64, error) {
	trimmed := strings.TrimSpace(text)
	unsigned := strings.TrimLeft(trimmed, "+-")
	plain := len(trimmed)-len(unsigned) <= 1
	for group := range strings.SplitSeq(unsigned, "_") {
		plain = plain && isDigits(group)
	}
	if !plain {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(trimmed, "_", ""), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q %w", text, errTooMany)
	}
	return n, nil
}

// parseFraction reads what Python's float() does, except infinities and NaN.
func parseFraction(text string) (float64, error) {
	trimmed := strings.TrimSpace(text)
	value, err := strconv.ParseFloat(trimmed, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) || strings.ContainsAny(trimmed, "xXpP_") {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return value, nil
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
