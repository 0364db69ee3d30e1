package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ashlar-dev/ashlar/bench/procfs"
	"github.com/ashlar-dev/ashlar/bench/schedulers/binding"
	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
	"github.com/ashlar-dev/ashlar/test/cluster"
)

// schedulerName is which scheduler is measured.
type schedulerName string

const (
	stockScheduler  schedulerName = "kube-scheduler"
	ashlarScheduler schedulerName = "ashlar-scheduler"
)

// startScheduler starts a scheduler on the session's control plane.
func (s *benchmarkSession) startScheduler(ctx context.Context, name schedulerName) (*cluster.Process, error) {
	kubeconfig := s.cluster.Kubeconfig()
	config, command, args := workload.StockConfiguration(kubeconfig), s.cluster.Binaries().Scheduler(), []string{string(stockScheduler)}
	if name == ashlarScheduler {
		shipped, err := workload.ShippedConfiguration(s.root, kubeconfig)
		if err != nil {
			return nil, err
		}
		config, command, args = shipped, s.cluster.Binaries().Command(string(ashlarScheduler)), nil
	}
	file := filepath.Join(s.cluster.Dir(), string(name)+"-config.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	port, err := cluster.FreePort()
	if err != nil {
		return nil, err
	}
	return s.cluster.Run(ctx, string(name), command, append(args, "--config", file, "--authentication-kubeconfig", kubeconfig,
		"--authorization-kubeconfig", kubeconfig, "--bind-address", "127.0.0.1", "--secure-port", fmt.Sprint(port),
		"--cert-dir", filepath.Join(s.cluster.Dir(), string(name)+"-certs"))...)
}

// subjectOf is a running scheduler as package binding sees it.
func (s *benchmarkSession) subjectOf(process *cluster.Process) binding.Subject {
	return binding.Subject{
		CPU:    func() (time.Duration, error) { return procfs.CPUTime(process.PID()) },
		Failed: s.cluster.Err,
	}
}

// endScheduler notes a scheduler's memory and ends it.
func (s *benchmarkSession) endScheduler(process *cluster.Process) error {
	if err := s.peaks.notePeak(process); err != nil {
		return err
	}
	return process.Stop()
}
