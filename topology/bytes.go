package topology

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is an amount of memory. It is an int64 on every architecture: 80 GiB
// does not fit in a 32-bit int.
type Bytes int64

// MilliGPU is a share of a GPU's compute, in thousandths.
type MilliGPU int64

// WholeGPU is all of a GPU's compute.
const WholeGPU MilliGPU = 1000

// Binary units, as NVML and Kubernetes count memory. GB, the decimal unit that
// data sheets print, is different on purpose and has its own constant.
const (
	KiB Bytes = 1 << 10
	MiB Bytes = 1 << 20
	GiB Bytes = 1 << 30
	GB  Bytes = 1_000_000_000
)

// String prints b in the largest binary unit that it reaches, with at most two
// decimals: "79.65GiB", "2000MiB", "512B".
func (b Bytes) String() string {
	for _, unit := range []struct {
		size Bytes
		name string
	}{{GiB, "GiB"}, {MiB, "MiB"}, {KiB, "KiB"}} {
		if b >= unit.size || b <= -unit.size {
			value := strconv.FormatFloat(float64(b)/float64(unit.size), 'f', 2, 64)
			value = strings.TrimRight(strings.TrimRight(value, "0"), ".")
			return value + unit.name
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

// ExactText prints b without rounding, in the largest binary unit of which it is a multiple:
// "20GiB", "1098MiB". It is for amounts that people copy, such as what a share asks for.
func (b Bytes) ExactText() string {
	for _, unit := range []struct {
		size Bytes
		name string
	}{{GiB, "GiB"}, {MiB, "MiB"}, {KiB, "KiB"}} {
		if b != 0 && b%unit.size == 0 {
			return strconv.FormatInt(int64(b/unit.size), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

var byteUnits = []struct {
	suffix string
	size   Bytes
}{
	{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}, {"Gi", GiB}, {"Mi", MiB}, {"Ki", KiB}, {"GB", GB}, {"B", 1}, {"", 1},
}

// ParseBytes reads what String prints, and Kubernetes' Gi, Mi and Ki. It refuses
// negative amounts and those that do not fit in an int64.
func ParseBytes(text string) (Bytes, error) {
	for _, unit := range byteUnits {
		number, found := strings.CutSuffix(text, unit.suffix)
		if !found {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || math.IsNaN(value) || value < 0 {
			break
		}
		// Half of what an int64 holds: room for rounding, and for sums of two.
		if product := value * float64(unit.size); product < math.MaxInt64/2 {
			return Bytes(product), nil
		}
		return 0, fmt.Errorf("%q is more memory than can be counted", text)
	}
	return 0, fmt.Errorf("%q is not an amount of memory: write it like 40GiB, 40Gi or 2000MiB", text)
}
