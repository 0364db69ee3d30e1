package mps

import (
	"context"
	"fmt"
	"regexp"

	"github.com/ashlar-dev/ashlar/topology"
)

// Daemons are a node's MPS control daemons.
type Daemons interface {
	// Ensure starts the daemon of a GPU or MIG instance, and returns once it answers. One
	// that runs already under the same settings stays as it is; one with others is replaced.
	Ensure(ctx context.Context, spec Spec) error
	// Remove ends the daemon, with its clients, and removes its directories. One that does
	// not run is no error.
	Remove(ctx context.Context, uuid string) error
	// List returns the UUIDs of the GPUs and instances that have a daemon, running or not,
	// sorted.
	List(ctx context.Context) ([]string, error)
}

var (
	_ Daemons = (*Processes)(nil)
	_ Daemons = (*Pods)(nil)
)

// Spec is what a control daemon is to be like.
type Spec struct {
	// UUID is the GPU's or the MIG instance's.
	UUID string `json:"uuid"`
	// ActiveThreadPercentage is what a client gets at most of the multiprocessors, 1 to 100;
	// 0 means all.
	ActiveThreadPercentage int64 `json:"activeThreadPercentage,omitempty"`
	// PinnedMemory is what a client can allocate at most; 0 means all.
	PinnedMemory topology.Bytes `json:"pinnedMemory,omitempty"`
}

var uuidPattern = regexp.MustCompile(`^(GPU|MIG)-[0-9A-Za-z]([0-9A-Za-z-]{0,46}[0-9A-Za-z])?$`)

// checkUUID refuses what is no UUID, since it becomes part of paths and names.
func checkUUID(uuid string) error {
	if !uuidPattern.MatchString(uuid) {
		return fmt.Errorf("%.80q is no UUID of a GPU or MIG instance: want one that begins with GPU- or MIG-", uuid)
	}
	return nil
}

func (s Spec) check() error {
	if err := checkUUID(s.UUID); err != nil {
		return err
	}
	if s.ActiveThreadPercentage < 0 || s.ActiveThreadPercentage > 100 {
		return fmt.Errorf("the active thread percentage is %d: want 1 to 100, or 0 for all", s.ActiveThreadPercentage)
	}
	if s.PinnedMemory != 0 && s.PinnedMemory < topology.MiB {
		return fmt.Errorf("the pinned memory limit is %s: want at least 1MiB, or 0 for none", s.PinnedMemory)
	}
	return nil
}

// settings are the commands that a daemon is told at its start. It sees one GPU, number 0.
func (s Spec) settings() []string {
	var commands []string
	if s.ActiveThreadPercentage > 0 {
		commands = append(commands, fmt.Sprintf("set_default_active_thread_percentage %d", s.ActiveThreadPercentage))
	}
	if s.PinnedMemory > 0 {
		commands = append(commands, fmt.Sprintf("set_default_device_pinned_mem_limit 0 %dM", s.PinnedMemory/topology.MiB))
	}
	return commands
}
