package simulated

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// stateStore keeps the states of a node's GPUs, by their index. Both methods are safe
// for concurrent use.
type stateStore interface {
	// load is the state at present. The caller must not change it.
	load(index int) (*gpuState, error)
	// update changes the state at once and for good, if change returns SUCCESS.
	update(index int, change func(*gpuState) nvml.Return) (nvml.Return, error)
}

// memoryStore keeps states as long as the process lives.
type memoryStore struct {
	mu     sync.RWMutex
	states []*gpuState // immutable, replaced as a whole
}

func (s *memoryStore) load(index int) (*gpuState, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if index < 0 || index >= len(s.states) {
		return nil, fmt.Errorf("there is no GPU %d", index)
	}
	return s.states[index], nil
}

func (s *memoryStore) update(index int, change func(*gpuState) nvml.Return) (nvml.Return, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if index < 0 || index >= len(s.states) {
		return nvml.ERROR_UNKNOWN, fmt.Errorf("there is no GPU %d", index)
	}
	state := s.states[index].clone()
	ret := change(state)
	if ret == nvml.SUCCESS {
		s.states[index] = state
	}
	return ret, nil
}

// directoryStore keeps every GPU's state in a file, which several processes may share.
// Writers hold a lock of the file system, which ends with their process, and rename a
// complete file over the old one: a process that is killed leaves the state before its
// call or after it. Files are not synced, so that this does not hold for a loss of power.
type directoryStore struct{ path string }

func (s directoryStore) file(index int) string {
	return filepath.Join(s.path, fmt.Sprintf("gpu-%d.json", index))
}

func (s directoryStore) load(index int) (*gpuState, error) {
	text, err := os.ReadFile(s.file(index))
	if err != nil {
		return nil, fmt.Errorf("reading the state of simulated GPU %d: %w", index, err)
	}
	state := &gpuState{}
	if err := json.Unmarshal(text, state); err != nil {
		return nil, fmt.Errorf("reading the state of simulated GPU %d: %s: %w", index, s.file(index), err)
	}
	if err := state.check(""); err != nil {
		return nil, fmt.Errorf("reading the state of simulated GPU %d: %s: %w", index, s.file(index), err)
	}
	return state, nil
}

func (s directoryStore) update(index int, change func(*gpuState) nvml.Return) (ret nvml.Return, err error) {
	unlock, err := s.lock(index)
	if err != nil {
		return nvml.ERROR_UNKNOWN, err
	}
	defer unlock()
	state, err := s.load(index)
	if err != nil {
		return nvml.ERROR_UNKNOWN, err
	}
	if ret := change(state); ret != nvml.SUCCESS {
		return ret, nil
	}
	if err := s.write(index, state); err != nil {
		return nvml.ERROR_UNKNOWN, err
	}
	return nvml.SUCCESS, nil
}

// create writes a state where there is none yet, and checks the one that is there.
func (s directoryStore) create(index int, state *gpuState) error {
	unlock, err := s.lock(index)
	if err != nil {
		return err
	}
	defer unlock()
	found, err := s.load(index)
	if errors.Is(err, fs.ErrNotExist) {
		return s.write(index, state)
	}
	if err != nil {
		return err
	}
	if err := found.check(state.UUID); err != nil {
		return fmt.Errorf("%s: %w", s.file(index), err)
	}
	return nil
}

// write replaces the file. The caller holds the lock, so that the name of the new file
// is its alone; one that a killed process left is overwritten.
func (s directoryStore) write(index int, state *gpuState) error {
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("writing the state of simulated GPU %d: %w", index, err)
	}
	if err := os.WriteFile(s.file(index)+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the state of simulated GPU %d: %w", index, err)
	}
	if err := os.Rename(s.file(index)+".new", s.file(index)); err != nil {
		return fmt.Errorf("writing the state of simulated GPU %d: %w", index, err)
	}
	return nil
}

func (s directoryStore) lock(index int) (unlock func(), err error) {
	file, err := os.OpenFile(s.file(index)+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the state of simulated GPU %d: %w", index, err)
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = file.Close() // nothing was written to it
		return nil, fmt.Errorf("locking the state of simulated GPU %d: %w", index, err)
	}
	return func() { _ = file.Close() }, nil // closing ends the lock
}
