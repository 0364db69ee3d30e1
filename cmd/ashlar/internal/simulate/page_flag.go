package simulate

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/scenariofile"
	"github.com/ashlar-dev/ashlar/internal/buildinfo"
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

// headingOf is what the page of a scenario says before its figures.
func headingOf(s *scenariofile.File) report.PageHeading {
	return report.PageHeading{Title: s.Name, About: s.About, NotModelled: s.NotModelled()}
}

// typedCommand is the command as somebody would type it again, as far as flags say.
func typedCommand(cmd *cobra.Command) string {
	words := []string{cmd.CommandPath()}
	words = append(words, cmd.Flags().Args()...)
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == "report" {
			return
		}
		value := f.Value.String()
		if list, isList := f.Value.(pflag.SliceValue); isList {
			value = strings.Join(list.GetSlice(), ",")
		}
		words = append(words, "--"+f.Name, value)
	})
	return strings.Join(words, " ")
}

// writePage writes the page, or nothing if it fails half-way.
func (r *pageFlag) writePage(cmd *cobra.Command, head report.PageHeading, runs []report.Run) error {
	if !r.isWanted() {
		return nil
	}
	out, err := os.CreateTemp(filepath.Dir(r.file), "."+filepath.Base(r.file)+"-*")
	if err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	defer os.Remove(out.Name())
	head.Command = typedCommand(cmd)
	head.Version = "ashlar " + buildinfo.ReadInfo().Version
	head.Made = time.Now().UTC().Format("2006-01-02 15:04 UTC")
	err = report.WritePage(out, head, runs)
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
