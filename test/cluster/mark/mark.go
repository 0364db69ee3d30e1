package mark

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// variable is the environment variable that carries a mark.
const variable = "ASHLAR_CLUSTER_RUN"

// Mark tells the processes of one run from all others.
type Mark string

// New returns a mark that no other run has.
func New() Mark {
	return Mark(rand.Text())
}

// Env is the line that puts the mark into a process's environment.
func (m Mark) Env() string {
	return variable + "=" + string(m)
}

// Processes returns the ids of the living processes with this mark, other than
// the caller. Processes of other users cannot be read and are never among them.
func (m Mark) Processes() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes (this needs Linux): %w", err)
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() || !m.markedProcess(pid) {
			continue
		}
		found = append(found, pid)
	}
	return found, nil
}

// markedProcess reports whether a process carries the mark. One that has ended does not,
// even before its parent has collected it: its environment is gone.
func (m Mark) markedProcess(pid int) bool {
	environment, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return false
	}
	for line := range bytes.SplitSeq(environment, []byte{0}) {
		if string(line) == m.Env() {
			return true
		}
	}
	return false
}

const (
	scanEvery = 20 * time.Millisecond
	// quietScans is how many scans in a row must find nothing. A process shows
	// its parent's environment between fork and exec, so one scan can miss it.
	quietScans = 3
)

// End asks every process with this mark to end, kills those that are left after
// grace, and returns once there are none.
func (m Mark) End(ctx context.Context, grace time.Duration) error {
	start := time.Now()
	asked := map[int]bool{}
	for quiet := 0; quiet < quietScans; {
		found, err := m.Processes()
		if err != nil {
			return err
		}
		quiet++
		for _, pid := range found {
			quiet = 0
			switch {
			case time.Since(start) >= grace:
				m.signalProcess(pid, syscall.SIGKILL)
			case !asked[pid]:
				asked[pid] = true
				m.signalProcess(pid, syscall.SIGTERM)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("ending processes %v: %w", found, ctx.Err())
		case <-time.After(scanEvery):
		}
	}
	return nil
}

// signalProcess sends a signal to a process that carries the mark. The handle is opened
// before the mark is read again, so a reused process id is never hit.
func (m Mark) signalProcess(pid int, s syscall.Signal) {
	process, err := os.FindProcess(pid)
	if err != nil {
		return // it has ended
	}
	defer process.Release()
	if m.markedProcess(pid) {
		process.Signal(s) // fails only if it has ended: the next scan tells
	}
}
