package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	folder := flag.String("to", filepath.Join("bench", "openb", "testdata", "small"), "existing folder that the lists are written into")
	seed := flag.Uint64("seed", defaultSeed, "seed of the drawn pods")
	flag.Parse()
	if err := writeTrace(*folder, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func writeTrace(folder string, seed uint64) error {
	for name, text := range traceFiles(seed) {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil { //nolint:gosec // a public document
			return err
		}
	}
	return nil
}
