package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ashlar-dev/ashlar/test/cluster/cgroups"
	"github.com/ashlar-dev/ashlar/test/cluster/mark"
)

const (
	// recordFile in a state directory says that a cluster made it, and its mark.
	recordFile = "run.json"
	// lockSuffix is what the lock of a state directory is called, after the
	// directory's own name. It lies next to the directory so that it outlives it.
	lockSuffix = ".ashlar-lock"
	// downGrace is how long the processes of a cluster without owner may take to end.
	downGrace = 2 * time.Second
)

// runRecord is what a state directory says about itself.
type runRecord struct {
	Mark  mark.Mark `json:"mark"`
	Owner int       `json:"owner"` // process id
	// Detached: the cluster was left running without an owner.
	Detached bool `json:"detached,omitempty"`
}

// ownedRun is one process's ownership of one state directory.
type ownedRun struct {
	dir      string
	record   runRecord
	lock     *os.File
	watchdog *exec.Cmd
	// pipe ends in the watchdog. It is closed by the kernel, if not before, when
	// this process ends.
	pipe io.WriteCloser
}

// claimDirectory takes a state directory, clears what a dead cluster left in it, and
// starts the watchdog.
func claimDirectory(ctx context.Context, dir, watchdog string) (*ownedRun, error) {
	lock, err := tryLock(dir + lockSuffix)
	if errors.Is(err, errLocked) {
		return nil, inUse(dir)
	}
	if err != nil {
		return nil, err
	}
	r := &ownedRun{dir: dir, record: runRecord{Mark: mark.New(), Owner: os.Getpid()}, lock: lock}
	if err := r.prepareDirectory(ctx); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if err := r.startWatchdog(watchdog); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir), os.Remove(lock.Name()), lock.Close())
	}
	return r, nil
}

// prepareDirectory makes the state directory anew.
func (r *ownedRun) prepareDirectory(ctx context.Context) error {
	left, err := clearUp(ctx, r.dir, leaveDetached)
	if err != nil {
		return err
	}
	if left {
		return fmt.Errorf("a detached cluster is running in %s: end it first", r.dir)
	}
	entries, err := os.ReadDir(r.dir)
	switch {
	case err == nil && len(entries) > 0:
		return fmt.Errorf("%s holds files that are not a cluster's", r.dir)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("reading state directory: %w", err)
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return fmt.Errorf("making state directory: %w", err)
	}
	return r.saveRecord()
}

func (r *ownedRun) saveRecord() error {
	text, err := json.Marshal(r.record)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", recordFile, err)
	}
	path := filepath.Join(r.dir, recordFile)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", recordFile, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing %s: %w", recordFile, err)
	}
	return nil
}

// startWatchdog starts the watchdog. It inherits the lock.
func (r *ownedRun) startWatchdog(watchdog string) error {
	command := exec.Command(watchdog, string(r.record.Mark), r.dir, r.lock.Name())
	command.Dir = "/"
	command.Env = []string{} // above all no mark, if the owner carries another cluster's
	command.ExtraFiles = []*os.File{r.lock}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := command.StdinPipe()
	if err != nil {
		return fmt.Errorf("making the watchdog's pipe: %w", err)
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting the watchdog: %w", err)
	}
	r.watchdog, r.pipe = command, pipe
	return nil
}

// endRun gives the directory up: it ends every process that is left and removes the
// directory, unless keep.
func (r *ownedRun) endRun(ctx context.Context, keep bool) error {
	var errs []error
	errs = append(errs, r.record.Mark.End(ctx, 0), cgroups.Remove(ctx, cgroups.RunGroup(r.record.Mark)))
	if !keep {
		errs = append(errs, os.RemoveAll(r.dir))
	}
	errs = append(errs, os.Remove(r.lock.Name()), r.releaseLock())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("ending the cluster in %s: %w", r.dir, err)
	}
	return nil
}

// detachRun gives the directory up but leaves the cluster in it running.
func (r *ownedRun) detachRun() error {
	r.record.Detached = true
	if err := r.saveRecord(); err != nil {
		return err
	}
	return r.releaseLock()
}

// releaseLock sends the watchdog away and opens the lock. A watchdog that somebody
// has killed in the meantime is as good as one that was sent away.
func (r *ownedRun) releaseLock() error {
	_, err := io.WriteString(r.pipe, "leave\n")
	if errors.Is(err, syscall.EPIPE) {
		err = nil
	}
	err = errors.Join(err, r.pipe.Close())
	var killed *exec.ExitError
	if ended := r.watchdog.Wait(); ended != nil && !errors.As(ended, &killed) {
		err = errors.Join(err, ended)
	}
	return errors.Join(err, r.lock.Close())
}

// leftoverPolicy says what to do with a detached cluster that still runs.
type leftoverPolicy string

const (
	leaveDetached leftoverPolicy = "leave"
	endDetached   leftoverPolicy = "end"
)

// clearUp ends and removes a cluster whose lock the caller holds, so that it has
// no owner. It reports whether it left it, as a detached one. A directory that
// is absent or not a cluster's is left alone.
func clearUp(ctx context.Context, dir string, what leftoverPolicy) (left bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, recordFile))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading what %s holds: %w", dir, err)
	}
	var r runRecord
	if err := json.Unmarshal(text, &r); err != nil || r.Mark == "" {
		return false, fmt.Errorf("reading what %s holds: %s is not a cluster's: %w", dir, recordFile, err)
	}
	grace := time.Duration(0)
	if r.Detached {
		alive, err := r.Mark.Processes()
		if err != nil {
			return false, err
		}
		if len(alive) > 0 && what == leaveDetached {
			return true, nil
		}
		grace = downGrace
	}
	if err := r.Mark.End(ctx, grace); err != nil {
		return false, err
	}
	if err := cgroups.Remove(ctx, cgroups.RunGroup(r.Mark)); err != nil {
		return false, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return false, fmt.Errorf("removing %s: %w", dir, err)
	}
	return false, nil
}

// sweepFolder clears every cluster under a folder whose owner and watchdog are dead.
func sweepFolder(ctx context.Context, folder string) error {
	locks, err := filepath.Glob(filepath.Join(folder, "*"+lockSuffix))
	if err != nil {
		return fmt.Errorf("looking for dead clusters: %w", err)
	}
	var errs []error
	for _, path := range locks {
		lock, err := tryLock(path)
		if errors.Is(err, errLocked) {
			continue // its owner lives
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		left, err := clearUp(ctx, strings.TrimSuffix(path, lockSuffix), leaveDetached)
		if err == nil && !left {
			err = os.Remove(path)
		}
		errs = append(errs, err, lock.Close())
	}
	return errors.Join(errs...)
}

// Down ends the cluster in a state directory that was detached, or whose owner
// crashed, and removes the directory. A cluster whose owner lives is left alone,
// with an error.
func Down(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("finding state directory %s: %w", dir, err)
	}
	if _, err := os.Stat(filepath.Join(dir, recordFile)); err != nil {
		return fmt.Errorf("there is no cluster in %s: %w", dir, err)
	}
	lock, err := tryLock(dir + lockSuffix)
	if errors.Is(err, errLocked) {
		return inUse(dir)
	}
	if err != nil {
		return err
	}
	_, err = clearUp(ctx, dir, endDetached)
	if err == nil {
		err = os.Remove(lock.Name())
	}
	return errors.Join(err, lock.Close())
}

// inUse is the error for a directory whose lock somebody else holds.
func inUse(dir string) error {
	var r runRecord
	text, err := os.ReadFile(filepath.Join(dir, recordFile))
	if err != nil || json.Unmarshal(text, &r) != nil {
		return fmt.Errorf("the cluster in %s is in use by another process", dir)
	}
	return fmt.Errorf("the cluster in %s is in use by process %d", dir, r.Owner)
}
