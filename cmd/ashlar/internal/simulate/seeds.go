package simulate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// seedList is a flag's value: seeds as "42", "42-51" or "1,5,9-12".
type seedList []int64

// maxSeeds bounds how many seeds one command runs.
const maxSeeds = 10_000

// String implements pflag.Value.
func (l *seedList) String() string {
	words := make([]string, len(*l))
	for i, seed := range *l {
		words[i] = strconv.FormatInt(seed, 10)
	}
	return strings.Join(words, ",")
}

// Type implements pflag.Value.
func (l *seedList) Type() string { return "SEEDS" }

// Set implements pflag.Value.
func (l *seedList) Set(text string) error {
	var list seedList
	for word := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(word), "-")
		if !isRange {
			last = first
		}
		from, err := strconv.ParseInt(first, 10, 64)
		to, errTo := strconv.ParseInt(last, 10, 64)
		if err != nil || errTo != nil || from < 0 || to < from {
			return fmt.Errorf("want seeds like 42, 42-51 or 1,5,9-12, not %q", word)
		}
		if to-from >= maxSeeds-int64(len(list)) {
			return fmt.Errorf("more than %d seeds", maxSeeds)
		}
		for seed := from; ; seed++ {
			list = append(list, seed)
			if seed == to {
				break
			}
		}
	}
	slices.Sort(list)
	*l = slices.Compact(list)
	return nil
}
