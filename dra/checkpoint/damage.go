package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Damage is a checkpoint that could not be read, or not in full. The driver goes on
// with the claims that could be.
type Damage struct {
	// Path is where the file is now.
	Path string
	// Kept is the number of claims that could be read.
	Kept int
	// Cause is what is wrong with it.
	Cause error
}

// Error says what was found and how to recover.
func (d *Damage) Error() string {
	if _, future := errors.AsType[versionError](d.Cause); future {
		return fmt.Sprintf("the checkpoint was written by a newer driver (%v), and is now %s; "+
			"run that driver again after moving the file back, or drain the node of pods with GPU claims and delete the file",
			d.Cause, d.Path)
	}
	return fmt.Sprintf("the checkpoint is damaged (%v), and is now %s; %d claim(s) could be read of it. "+
		"Pods with other claims go on running, but their GPUs and MIG instances are not known to be in use: "+
		"drain the node of pods with GPU claims, destroy the MIG instances that are left "+
		"(nvidia-smi mig -dci && nvidia-smi mig -dgi), and delete the file", d.Cause, d.Path, d.Kept)
}

// Unwrap is what is wrong with the file.
func (d *Damage) Unwrap() error { return d.Cause }

// setAside gives the file at path a second name that no other file has, and leaves the
// first until a new file takes it: a crash in between loses nothing.
func setAside(path string) (string, error) {
	own, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	for i := 1; ; i++ {
		name := fmt.Sprintf("%s.damaged-%d", path, i)
		err := os.Link(path, name)
		if err == nil {
			return name, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("set checkpoint aside: %w", err)
		}
		if other, err := os.Stat(name); err == nil && os.SameFile(own, other) {
			return name, nil
		}
	}
}
