package hardware

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// minorsFile lists the minor numbers of MIG's capability files, below /proc. The list is
// complete from the start: it does not depend on what instances exist.
const minorsFile = "driver/nvidia-caps/mig-minors"

// maxMinor is the largest minor number of Linux.
const maxMinor = 1<<20 - 1

// capabilityMinors are the minor numbers by path, for example "gpu0/gi7/ci0/access".
type capabilityMinors map[string]int64

// readCapabilityMinors reads the list; a system without one has no minors.
func readCapabilityMinors(proc fs.FS) (capabilityMinors, error) {
	if proc == nil {
		return nil, nil
	}
	text, err := fs.ReadFile(proc, minorsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the minor numbers of MIG's capability files: %w", err)
	}
	minors, err := parseCapabilityMinors(string(text))
	if err != nil {
		return nil, fmt.Errorf("reading the minor numbers of MIG's capability files: %s: %w", minorsFile, err)
	}
	return minors, nil
}

// parseCapabilityMinors reads lines "<path> <minor>".
func parseCapabilityMinors(text string) (capabilityMinors, error) {
	minors := capabilityMinors{}
	line := 0
	for row := range strings.Lines(text) {
		line++
		fields := strings.Fields(row)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return nil, fmt.Errorf("line %d: %q is not a path and a number", line, strings.TrimSpace(row))
		}
		minor, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil || minor < 0 || minor > maxMinor {
			return nil, fmt.Errorf("line %d: %q is not a minor number", line, fields[1])
		}
		if _, twice := minors[fields[0]]; twice {
			return nil, fmt.Errorf("line %d: %q occurs twice", line, fields[0])
		}
		minors[fields[0]] = minor
	}
	return minors, nil
}

// of gives the minors of an instance on the GPU with a minor number of its own; 0 if
// unknown.
func (m capabilityMinors) of(gpuMinor int, instance, compute uint32) (minor, computeMinor int64) {
	path := fmt.Sprintf("gpu%d/gi%d", gpuMinor, instance)
	return m[path+"/access"], m[fmt.Sprintf("%s/ci%d/access", path, compute)]
}
