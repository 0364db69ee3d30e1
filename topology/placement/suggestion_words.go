package placement

import (
	"fmt"
	"strconv"
	"strings"
)

// DeviceNoun is what devices of a form are called, by their number: "GPU", "GPUs",
// "slices", "shares".
func (f Form) DeviceNoun(count int) string {
	noun := [...]string{"GPU", "slice", "share"}[f]
	if count == 1 {
		return noun
	}
	return noun + "s"
}

// GPURanges prints a set of GPUs: "GPU 2", "GPUs 0-3,6".
func GPURanges(gpus GPUSet) string {
	noun := Whole.DeviceNoun(gpus.Len())
	var ranges []string
	for gpus != 0 {
		first := gpus.lowestGPU()
		last := first
		for gpus.Has(last + 1) {
			last++
		}
		for gpu := first; gpu <= last; gpu++ {
			gpus &^= 1 << gpu
		}
		text := strconv.Itoa(first)
		if last > first {
			text += "-" + strconv.Itoa(last)
		}
		ranges = append(ranges, text)
	}
	return noun + " " + strings.Join(ranges, ",")
}

// isOrAre agrees with a number of things.
func isOrAre(count int) string {
	if count == 1 {
		return "is"
	}
	return "are"
}

// fitOrFits agrees with a number of things.
func fitOrFits(count int) string {
	if count == 1 {
		return "fits"
	}
	return "fit"
}

// String describes the change to someone who looks at one node.
func (c Suggestion) String() string {
	count := c.GPUs.Len()
	switch c.Kind {
	case SmallerShare:
		return fmt.Sprintf("a share of %s fits", c.Bytes)
	case OtherProfile:
		return "another MIG profile fits"
	case WholeGPU:
		return fmt.Sprintf("whole %s %s", GPURanges(c.GPUs), fitOrFits(count))
	case Reslice:
		return fmt.Sprintf("it fits once the MIG instances of %s are rearranged", GPURanges(c.GPUs))
	case OtherModel:
		return fmt.Sprintf("%s of another model %s", GPURanges(c.GPUs), fitOrFits(count))
	case FewerGPUs:
		return fmt.Sprintf("%d %s %s", c.Count, c.Form.DeviceNoun(c.Count), fitOrFits(c.Count))
	}
	return fmt.Sprintf("it fits once %s %s free", GPURanges(c.GPUs), isOrAre(count))
}
