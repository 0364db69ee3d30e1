package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// errLocked says that another open file holds the lock: try later, or report it.
var errLocked = errors.New("locked")

// tryLock takes the lock that a file stands for, or returns errLocked. The lock
// lasts until the file, and every copy of it that a child inherited, is closed.
func tryLock(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making room for lock %s: %w", path, err)
	}
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("opening lock: %w", err)
		}
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			file.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, errLocked
			}
			return nil, fmt.Errorf("taking lock %s: %w", path, err)
		}
		// The previous holder may have removed the file between our two steps.
		// Then the lock is on a file that nobody else will find.
		held, err := file.Stat()
		if err != nil {
			file.Close()
			return nil, fmt.Errorf("taking lock %s: %w", path, err)
		}
		if named, err := os.Stat(path); err == nil && os.SameFile(held, named) {
			return file, nil
		}
		file.Close()
	}
}

// waitLock takes the lock as soon as it is free. It calls waiting once if it is not.
func waitLock(ctx context.Context, path string, waiting func()) (*os.File, error) {
	for first := true; ; first = false {
		file, err := tryLock(path)
		if !errors.Is(err, errLocked) {
			return file, err
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for lock %s: %w", path, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
