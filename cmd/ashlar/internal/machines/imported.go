package machines

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology/capture"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// readsBack checks that the catalogue reads the files of a captured machine as that
// machine.
func readsBack(c *catalogue.Catalogue, captured *capture.Captured) error {
	var extra []catalogue.File
	for _, file := range captured.Files {
		extra = append(extra, catalogue.File{Name: file.Name, Text: file.Text})
	}
	grown, err := c.With(extra...)
	if err != nil {
		return cli.MistakenInput(err)
	}
	machine, err := grown.Machine(captured.Machine.Name)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(machine, captured.Machine) {
		return fmt.Errorf("machine %s reads back as another one: please report this with the captures", machine.Name)
	}
	return nil
}

// writeStream prints files one after the other, so that --machine-file reads them
// all from one.
func writeStream(w io.Writer, files []capture.File) error {
	p := cli.NewPage(w)
	for i, file := range files {
		if i > 0 {
			p.Printf("\n")
		}
		p.Printf("%s%s\n%s", sectionMark, file.Name, file.Text)
	}
	return p.Err()
}

// writeFolder writes files below a folder, all or none: each is written beside its
// place first. It returns the names of what it wrote.
func writeFolder(folder string, files []capture.File, force bool) (names []string, err error) {
	var staged []string
	defer func() {
		for _, name := range staged {
			err = errors.Join(err, ignoreMissing(os.Remove(name)))
		}
	}()
	for _, file := range files {
		name := filepath.Join(folder, filepath.FromSlash(file.Name))
		if _, err := os.Lstat(name); err == nil && !force {
			return nil, cli.UsageErrorf("%s exists: choose another name or folder, or overwrite it with --force", name)
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		names = append(names, name)
	}
	for i, file := range files {
		if err := os.MkdirAll(filepath.Dir(names[i]), 0o755); err != nil {
			return nil, err
		}
		stage, err := os.CreateTemp(filepath.Dir(names[i]), ".import-*")
		if err != nil {
			return nil, err
		}
		staged = append(staged, stage.Name())
		_, err = stage.WriteString(file.Text)
		if err := errors.Join(err, stage.Chmod(0o644), stage.Close()); err != nil {
			return nil, fmt.Errorf("writing %s: %w", names[i], err)
		}
	}
	for i := range files {
		if err := os.Rename(staged[i], names[i]); err != nil {
			return names[:i], err
		}
	}
	return names, nil
}

// ignoreMissing passes every error but that a file does not exist.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
