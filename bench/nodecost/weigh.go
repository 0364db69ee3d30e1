package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ashlar-dev/ashlar/bench/procfs"
	"github.com/ashlar-dev/ashlar/test/cluster"
)

// clusterWeight is what a control plane has.
type clusterWeight struct {
	memory map[string]int64 // by process, in bytes
	stored int64            // the size of etcd's file, in bytes
}

// Processes are at rest once none has changed by more than a hundredth for some readings. One that never
// rests is weighed all the same, after a while.
const (
	betweenReadings = 3 * time.Second
	restingReadings = 6
	mostReadings    = 60
)

// weighAtRest waits until the processes have done what was given to them, and weighs them.
func weighAtRest(ctx context.Context, c *cluster.Cluster) (*clusterWeight, error) {
	previous, resting := (*clusterWeight)(nil), 0
	for range mostReadings {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(betweenReadings):
		}
		now, err := weighProcesses(c)
		if err != nil {
			return nil, err
		}
		if resting++; previous == nil || !now.isNear(previous) {
			previous, resting = now, 0
		}
		if resting == restingReadings {
			return now, nil
		}
	}
	return previous, nil
}

// weighProcesses reads the memory of all processes now.
func weighProcesses(c *cluster.Cluster) (*clusterWeight, error) {
	w := &clusterWeight{memory: map[string]int64{}}
	for _, process := range c.Processes() {
		if err := process.Err(); err != nil {
			return nil, err
		}
		memory, err := procfs.AnonymousBytes(process.PID())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", process.Name(), err)
		}
		w.memory[process.Name()] = memory
	}
	file, err := os.Stat(filepath.Join(c.Dir(), "etcd", "member", "snap", "db"))
	if err != nil {
		return nil, err
	}
	w.stored = file.Size()
	return w, nil
}

// isNear reports whether no process has changed by more than a hundredth.
func (w *clusterWeight) isNear(other *clusterWeight) bool {
	for name, memory := range w.memory {
		if change := memory - other.memory[name]; max(change, -change) > memory/100 {
			return false
		}
	}
	return true
}
