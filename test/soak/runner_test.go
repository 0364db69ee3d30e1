package soak

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

const systemNamespace = "ashlar-system"

// schedulerRunner runs the scheduler and starts it again when it ends, as a kubelet would. It
// is safe for concurrent use.
type schedulerRunner struct {
	w      *world
	config string
	args   []string

	mutex   sync.Mutex
	process *cluster.Process
	started time.Time
	starts  int
	// killed says that the newest process was ended by the test.
	killed bool
}

// takeOverScheduler ends the scheduler of the installation and runs it from here on.
func takeOverScheduler(ctx context.Context, w *world) (*schedulerRunner, error) {
	r := &schedulerRunner{w: w}
	for _, process := range w.cluster.Processes() {
		if process.Name() == schedulerName {
			if err := process.Kill(); err != nil {
				return nil, err
			}
		}
	}
	kubeconfig, err := w.cluster.KubeconfigFor(ctx, systemNamespace, schedulerName)
	if err != nil {
		return nil, err
	}
	if r.config, err = hastenedConfig(w.cluster.Dir()); err != nil {
		return nil, err
	}
	r.args = []string{"--config", r.config, "--authentication-kubeconfig", kubeconfig, "--authorization-kubeconfig", kubeconfig,
		"--secure-port", "0"}
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	go r.watchOver(ctx)
	return r, nil
}

// hastenedConfig is the shipped configuration with a shorter lease and back-off, so that one
// hour of a cluster's life takes some minutes.
func hastenedConfig(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "scheduler-config.yaml"))
	if err != nil {
		return "", err
	}
	var config map[string]any
	if err := yaml.UnmarshalStrict(text, &config); err != nil {
		return "", err
	}
	election, isMap := config["leaderElection"].(map[string]any)
	if !isMap {
		return "", fmt.Errorf("the scheduler's configuration has no leaderElection")
	}
	election["leaseDuration"], election["renewDeadline"], election["retryPeriod"] = "4s", "3s", "500ms"
	config["podMaxBackoffSeconds"] = 4
	if text, err = yaml.Marshal(config); err != nil {
		return "", err
	}
	file := filepath.Join(dir, "soak-scheduler-config.yaml")
	return file, os.WriteFile(file, text, 0o600)
}

// start starts the scheduler. The mutex is held, or nobody else knows the runner yet.
func (r *schedulerRunner) start(ctx context.Context) (err error) {
	w := r.w
	r.process, err = w.cluster.Run(ctx, schedulerName, w.cluster.Binaries().Command(schedulerName), r.args...)
	if err != nil {
		return err
	}
	r.process.AllowEnd()
	r.started, r.killed = time.Now(), false
	r.starts++
	return nil
}

// watchOver starts the scheduler again whenever it ends.
func (r *schedulerRunner) watchOver(ctx context.Context) {
	for {
		r.mutex.Lock()
		process := r.process
		r.mutex.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-process.Ended():
		}
		r.mutex.Lock()
		if !r.killed {
			r.endedItself()
		}
		err := r.start(ctx)
		r.mutex.Unlock()
		if err != nil {
			return
		}
	}
}

// endedItself notes that the scheduler ended although nobody killed it. That is right where it
// could not renew its lease, since the API server did not answer in time.
func (r *schedulerRunner) endedItself() {
	text, err := os.ReadFile(r.process.Logs())
	end := text[max(0, len(text)-4096):]
	if err == nil && bytes.Contains(end, []byte("Leaderelection lost")) {
		r.w.tally.count("scheduler gave up its lease")
		return
	}
	r.w.tally.note(violation{schedulerEnded, fmt.Sprintf("after %s, with: %s", time.Since(r.started).Round(time.Second), end)})
}

// kill kills the scheduler, -9. It is started again at once.
func (r *schedulerRunner) kill() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.killed = true
	return r.process.Kill()
}

// resident is the memory of the scheduler, in MiB, and how long it has run.
func (r *schedulerRunner) resident() (mebibytes int64, age time.Duration, err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.process.PID()))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			kilobytes, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kilobytes / 1024, time.Since(r.started), err
		}
	}
	return 0, 0, fmt.Errorf("no VmRSS of process %d", r.process.PID())
}

// awaitLeader waits until the newest process leads.
func (r *schedulerRunner) awaitLeader(ctx context.Context) error {
	return r.w.cluster.Until(ctx, "the scheduler to lead", func(ctx context.Context) error {
		lease, err := r.w.client.CoordinationV1().Leases(systemNamespace).Get(ctx, schedulerName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		r.mutex.Lock()
		defer r.mutex.Unlock()
		if lease.Spec.AcquireTime == nil || lease.Spec.AcquireTime.Before(&metav1.MicroTime{Time: r.started}) {
			return fmt.Errorf("the lease was acquired at %v", lease.Spec.AcquireTime)
		}
		return nil
	})
}

// log is what the scheduler has written so far, all its processes together.
func (r *schedulerRunner) log() ([]byte, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return os.ReadFile(r.process.Logs())
}

// compareCaches lets the scheduler compare its cache with what the API server told, and returns
// what it finds.
func (r *schedulerRunner) compareCaches() (differences []string, err error) {
	before, err := r.log()
	if err != nil {
		return nil, err
	}
	r.mutex.Lock()
	err = syscall.Kill(r.process.PID(), syscall.SIGUSR2)
	r.mutex.Unlock()
	if err != nil {
		return nil, err
	}
	for range 50 {
		time.Sleep(100 * time.Millisecond)
		after, err := r.log()
		if err != nil {
			return nil, err
		}
		news := after[min(len(before), len(after)):]
		if !bytes.Contains(news, []byte("Dump of cached NodeInfo")) && !bytes.Contains(news, []byte("Dump of scheduling queue")) {
			continue
		}
		for line := range strings.Lines(string(news)) {
			if strings.Contains(line, "Cache mismatch") {
				differences = append(differences, r.w.history.describeMismatch(line)...)
			}
		}
		return differences, nil
	}
	return nil, fmt.Errorf("the scheduler did not dump its cache")
}
