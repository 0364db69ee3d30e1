package mps

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// DefaultRoot has a directory for each daemon. It is in memory, and its path is short, because
// sockets lie in it, whose paths have at most 107 bytes.
const DefaultRoot = "/run/ashlar/mps"

// Paths are the directories of one daemon. They are the same on the host, for the daemon
// and for its clients.
type Paths struct {
	// Pipes has the sockets and pipes (CUDA_MPS_PIPE_DIRECTORY), Logs the logs.
	Pipes, Logs string
	// Shm is what the daemon and its clients must have as /dev/shm.
	Shm string
	// directory has all of them in it, and the file of the settings.
	directory string
}

func pathsOf(root, uuid string) Paths {
	directory := filepath.Join(root, uuid)
	return Paths{Pipes: filepath.Join(directory, "pipe"), Logs: filepath.Join(directory, "log"), Shm: filepath.Join(directory, "shm"),
		directory: directory}
}

// create makes the directories. Clients of any user write to shared memory.
func (p Paths) create() error {
	for _, directory := range []string{p.Pipes, p.Logs, p.Shm} {
		if err := os.MkdirAll(directory, 0o755); err != nil {
			return fmt.Errorf("%w: mount the directory %s of the host into the driver's container read-write, at the same path",
				err, filepath.Dir(p.directory))
		}
	}
	return os.Chmod(p.Shm, 0o777|fs.ModeSticky)
}

// listDirectories returns the UUIDs that have a directory.
func listDirectories(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list MPS control daemons: %w", err)
	}
	var uuids []string
	for _, entry := range entries {
		if entry.IsDir() && checkUUID(entry.Name()) == nil {
			uuids = append(uuids, entry.Name())
		}
	}
	slices.Sort(uuids)
	return uuids, nil
}
