package workload

import (
	"fmt"
	"strconv"
	"strings"
)

// Size is how large a cluster is.
type Size struct {
	Nodes int
	// Devices is how many each node publishes.
	Devices int
}

// String is the size as flags and tables have it, for example "500x160".
func (s Size) String() string { return fmt.Sprintf("%dx%d", s.Nodes, s.Devices) }

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes, of nodes of any kind.
func (s *Size) UnmarshalText(text []byte) error {
	parsed, err := readSize(string(text))
	*s = parsed
	return err
}

// ParseSize reads a size; nodes of so many devices must be known.
func ParseSize(text string) (Size, error) {
	size, err := readSize(text)
	if err != nil {
		return Size{}, err
	}
	if _, ok := nodeKinds[size.Devices]; !ok {
		return Size{}, fmt.Errorf("size %q: nodes have 160 or 16 devices here", text)
	}
	return size, nil
}

func readSize(text string) (Size, error) {
	nodes, devices, found := strings.Cut(text, "x")
	size := Size{}
	var err, deviceErr error
	size.Nodes, err = strconv.Atoi(nodes)
	size.Devices, deviceErr = strconv.Atoi(devices)
	if !found || err != nil || deviceErr != nil || size.Nodes < 1 {
		return Size{}, fmt.Errorf("size %q: want nodes and devices of each, for example 500x160", text)
	}
	return size, nil
}

// ParseSizes reads a comma-separated list, which may be empty.
func ParseSizes(list string) ([]Size, error) {
	var sizes []Size
	for text := range strings.SplitSeq(list, ",") {
		if text == "" {
			continue
		}
		size, err := ParseSize(text)
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}
