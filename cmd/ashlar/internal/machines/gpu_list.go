package machines

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology"
)

// gpuList is a flag's value: GPUs by index, as this command prints them, "0,3-5".
type gpuList []int

// String implements pflag.Value.
func (l *gpuList) String() string { return cli.NumberRanges(*l) }

// Type implements pflag.Value.
func (l *gpuList) Type() string { return "GPUs" }

// Set implements pflag.Value.
func (l *gpuList) Set(text string) error {
	var list gpuList
	for word := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(word), "-")
		if !isRange {
			last = first
		}
		from, err := strconv.Atoi(first)
		to, errTo := strconv.Atoi(last)
		if err != nil || errTo != nil || from < 0 || to < from || to >= topology.MaxGPUs {
			return fmt.Errorf("want GPUs by index, like 0,3 or 0-3, not %q", word)
		}
		for gpu := from; gpu <= to; gpu++ {
			list = append(list, gpu)
		}
	}
	slices.Sort(list)
	*l = slices.Compact(list)
	return nil
}
