package publish

import (
	"strconv"
	"strings"
)

// semanticVersion makes a version fit for a version attribute, which must be
// like semver.org 2.0.0: exactly three numbers without leading zeros. Driver
// "580.95.05" becomes "580.95.5", compute capability "9.0" becomes "9.0.0". It
// reports false for what has no number to begin with or a part that is none.
func semanticVersion(text string) (string, bool) {
	const parts = 3
	words := strings.Split(text, ".")
	numbers := make([]string, parts)
	for i := range numbers {
		numbers[i] = "0"
		if i >= len(words) {
			continue
		}
		number, err := strconv.ParseUint(words[i], 10, 32)
		if err != nil {
			return "", false
		}
		numbers[i] = strconv.FormatUint(number, 10)
	}
	return strings.Join(numbers, "."), true
}
