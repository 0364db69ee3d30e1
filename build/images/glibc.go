package main

import (
	"debug/elf"
	"fmt"
	"strconv"
	"strings"
)

// checkGLIBC fails if a program needs a newer C library than the one of that version, such
// as 2.36-9+deb12u14.
func checkGLIBC(path, version string) error {
	file, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("reading what %s needs: %w", path, err)
	}
	defer file.Close()
	needs, err := file.DynamicVersionNeeds()
	if err != nil {
		return fmt.Errorf("reading what %s needs: %w", path, err)
	}
	for _, library := range needs {
		for _, need := range library.Needs {
			if wanted, ok := strings.CutPrefix(need.Dep, "GLIBC_"); ok && newerVersion(wanted, version) {
				return fmt.Errorf("%s was linked with a C library of which it needs version %s, but its image has %s: "+
					"build on Debian %s or older", path, wanted, version, "12 (bookworm)")
			}
		}
	}
	return nil
}

// newerVersion is whether version a, such as 2.34, is newer than b, of which what follows
// the second number does not count.
func newerVersion(a, b string) bool {
	b, _, _ = strings.Cut(b, "-")
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range as {
		if i >= len(bs) {
			return true
		}
		x, _ := strconv.Atoi(as[i])
		y, _ := strconv.Atoi(bs[i])
		if x != y {
			return x > y
		}
	}
	return false
}
