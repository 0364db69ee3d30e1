package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// writeFile replaces the file at path: after a crash or a power failure there is either
// the old one or the new one. between is called between any two steps.
func writeFile(path string, text []byte, between func(step string)) error {
	temporary := path + ".new"
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	_, err = file.Write(text)
	between("checkpoint written")
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	between("checkpoint synced")
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	between("checkpoint renamed")
	return syncDirectory(filepath.Dir(path))
}

// syncDirectory makes renames in the directory last.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync directory of checkpoint: %w", err)
	}
	if err := errors.Join(directory.Sync(), directory.Close()); err != nil {
		return fmt.Errorf("sync directory of checkpoint: %w", err)
	}
	return nil
}
