package simulate

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/simulator/report"
)

// pageFlag is --report of the commands that simulate.
type pageFlag struct{ file string }

func (r *pageFlag) addTo(command *cobra.Command) {
	command.Flags().StringVar(&r.file, "report", "",
		"also write a page with curves and a map of the cluster to `FILE`, to be opened in a browser")
}

func (r *pageFlag) isWanted() bool { return r.file != "" }

// checkFolder refuses a file that could not be written, before anything is simulated.
func (r *pageFlag) checkFolder() error {
	if !r.isWanted() {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(r.file)); err != nil || !info.IsDir() {
		return cli.UsageErrorf("--report %s: there is no folder %s", r.file, filepath.Dir(r.file))
	}
	return nil
}

// writePage writes the page, or nothing if it fails half-way.
func (r *pageFlag) writePage(title string, runs []report.Run) error {
	if !r.isWanted() {
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
