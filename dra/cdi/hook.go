package cdi

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// InstallHook copies nvidia-cdi-hook, the program of the hooks, to where the host's container
// runtime can run it: target is a path that is the same in this process and on the host, such
// as one in the plugin's directory. A hook that cannot be run would keep every container with
// a GPU from starting, so what was there stays until the new one is complete.
func InstallHook(source, target string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("install the CDI hook %s as %s: %w", source, target, err)
		}
	}()
	from, err := os.Open(source)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	to, err := os.OpenFile(target+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if closeErr := to.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(to.Name())
		return err
	}
	return os.Rename(to.Name(), target)
}
