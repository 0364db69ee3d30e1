package scenario

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology"
)

// Span is a length of time, or a time since the start: "90s", "15m", "2.5h", "1d12h".
type Span simulator.Time

var spanUnits = []struct {
	name string
	size simulator.Time
}{{"ms", 1}, {"s", simulator.Second}, {"m", simulator.Minute}, {"h", simulator.Hour}, {"d", simulator.Day}}

// UnmarshalText reads what is described at Span.
func (s *Span) UnmarshalText(text []byte) error {
	rest, sum := string(text), 0.0
	if rest == "0" {
		*s = 0
		return nil
	}
	refused := fmt.Errorf("%q is not a length of time: write it like 90s, 15m, 2.5h or 1d12h", text)
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		value, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return refused
		}
		rest = rest[digits:]
		letters := strings.IndexAny(rest, "0123456789.")
		if letters < 0 {
			letters = len(rest)
		}
		size := simulator.Time(0)
		for _, unit := range spanUnits {
			if rest[:letters] == unit.name {
				size = unit.size
			}
		}
		if size == 0 {
			return refused
		}
		sum += value * float64(size)
		rest = rest[letters:]
	}
	if len(text) == 0 {
		return refused
	}
	if sum > float64(simulator.MaxTime) {
		return fmt.Errorf("%q is longer than %s, the longest there is", text, simulator.MaxTime)
	}
	*s = Span(math.Round(sum))
	return nil
}

// MarshalText prints s exactly.
func (s Span) MarshalText() ([]byte, error) {
	return []byte(strconv.FormatInt(int64(s), 10) + "ms"), nil
}

// Memory is an amount of memory: "40GiB", "2000MiB".
type Memory topology.Bytes

// maxMemory is the most that anything may have: a petabyte.
const maxMemory = 1 << 50

// UnmarshalText reads what is described at Memory.
func (m *Memory) UnmarshalText(text []byte) error {
	bytes, err := topology.ParseBytes(string(text))
	if err != nil {
		return err
	}
	if bytes > maxMemory {
		return fmt.Errorf("%q is more than %s, the most there is", text, topology.Bytes(maxMemory))
	}
	*m = Memory(bytes)
	return nil
}

// MarshalText prints m exactly.
func (m Memory) MarshalText() ([]byte, error) { return []byte(strconv.FormatInt(int64(m), 10)), nil }

// CPU is a number of cores: "8", "3.5", or thousandths of one, "500m".
type CPU simulator.MilliCPU

// maxCPU is the most cores that anything may have.
const maxCPU = 100_000

// UnmarshalText reads what is described at CPU.
func (c *CPU) UnmarshalText(text []byte) error {
	number, milli := strings.CutSuffix(string(text), "m")
	value, err := strconv.ParseFloat(number, 64)
	if milli {
		value /= 1000
	}
	if err != nil || !(value >= 0 && value <= maxCPU) {
		return fmt.Errorf("%q is not a number of CPUs from 0 to %d: write it like 8, 3.5 or 500m", text, maxCPU)
	}
	*c = CPU(math.Round(value * 1000))
	return nil
}

// MarshalText prints c exactly.
func (c CPU) MarshalText() ([]byte, error) { return []byte(strconv.FormatInt(int64(c), 10) + "m"), nil }

// Rate is how often something happens: "12/h", "0.5/m", "300/d".
type Rate struct {
	// PerHour is the number in an hour.
	PerHour float64
}

// maxRate is per hour: a thousand in a second.
const maxRate = 3_600_000

// UnmarshalText reads what is described at Rate.
func (r *Rate) UnmarshalText(text []byte) error {
	number, unit, _ := strings.Cut(string(text), "/")
	value, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	per, known := map[string]float64{"s": 3600, "m": 60, "h": 1, "d": 1.0 / 24}[unit]
	if err != nil || !known || !(value > 0 && value*per <= maxRate) {
		return fmt.Errorf("%q is not a rate above 0 and up to 1000/s: write it like 12/h, 0.5/m or 300/d", text)
	}
	r.PerHour = value * per
	return nil
}

// MarshalText prints r.
func (r Rate) MarshalText() ([]byte, error) {
	return []byte(strconv.FormatFloat(r.PerHour, 'g', -1, 64) + "/h"), nil
}
