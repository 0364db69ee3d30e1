package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/simulator/report"
)

// reportFlag is --report of the commands that simulate.
type reportFlag struct{ file string }

func (r *reportFlag) add(command *cobra.Command) {
	command.Flags().StringVar(&r.file, "report", "", "also write a page with curves and a map of the cluster to `FILE`, to be opened in a browser")
}

func (r *reportFlag) wanted() bool { return r.file != "" }

// check refuses a file that could not be written, before anything is simulated.
func (r *reportFlag) check() error {
	if !r.wanted() {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(r.file)); err != nil || !info.IsDir() {
		return usagef("--report %s: there is no folder %s", r.file, filepath.Dir(r.file))
	}
	return nil
}

// write writes the page, or nothing if it fails half-way.
func (r *reportFlag) write(title string, runs []report.Run) error {
	if !r.wanted() {
		return nil
	}
	out, err := os.CreateTemp(filepath.Dir(r.file), "."+filepath.Base(r.file)+"-*")
	if err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	defer os.Remove(out.Name())
	err = report.Write(out, title, runs)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chmod(out.Name(), 0o644) //nolint:gosec // a page to show around
	}
	if err == nil {
		err = os.Rename(out.Name(), r.file)
	}
	if err != nil {
		return fmt.Errorf("--report %s: %w", r.file, err)
	}
	return nil
}
