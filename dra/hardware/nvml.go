package hardware

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"k8s.io/utils/clock"
)

// Options are what Open needs beside the library. Zero values stand for what is said.
type Options struct {
	// Proc is the root of /proc, from which the minor numbers of MIG's capability files
	// come; without it they are unknown.
	Proc fs.FS
	// Command runs a command to its end and returns what it printed; it must end with ctx.
	// RunProcess if nil.
	Command func(ctx context.Context, name string, args ...string) ([]byte, error)
	// ReadTimeout is how long a call that reads may take, 5 seconds if 0; WriteTimeout one
	// that changes the GPU, 60 seconds if 0.
	ReadTimeout, WriteTimeout time.Duration
	// ProbeInterval is how often GPUs are asked whether they are still there while somebody
	// waits for events, 10 seconds if 0.
	ProbeInterval time.Duration
	// Clock is the real one if nil.
	Clock clock.Clock
}

const (
	defaultReadTimeout   = 5 * time.Second
	defaultWriteTimeout  = 60 * time.Second
	defaultProbeInterval = 10 * time.Second
)

// withDefaults fills in what is not set.
func (o Options) withDefaults() Options {
	if o.Command == nil {
		o.Command = RunProcess
	}
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = defaultReadTimeout
	}
	if o.WriteTimeout <= 0 {
		o.WriteTimeout = defaultWriteTimeout
	}
	if o.ProbeInterval <= 0 {
		o.ProbeInterval = defaultProbeInterval
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	return o
}

// NVML is Reader, Writer and EventSource over one session of NVML. It is safe for
// concurrent use. Calls to one GPU follow one another; a GPU that does not answer holds
// up no other one.
type NVML struct {
	lib     nvml.Interface
	options Options
	dog     *watchdog
	minors  capabilityMinors
	stop    context.CancelFunc // ends what runs in the background
	running context.Context    // it lives as long as the session
	events  eventPump

	mu   sync.Mutex
	gpus map[string]*knownGPU // by UUID
}

// knownGPU is a GPU that has answered in this session.
type knownGPU struct {
	index    int
	handle   nvml.Device // nil if it must be asked for again
	profiles []instanceProfile
}

var (
	_ Reader      = (*NVML)(nil)
	_ Writer      = (*NVML)(nil)
	_ EventSource = (*NVML)(nil)
)

// Open starts a session, which Close ends. It fails where NVML does not start, with a
// CallError, and not for GPUs that do not answer: these may come back.
func Open(lib nvml.Interface, options Options) (*NVML, error) {
	n := &NVML{lib: lib, options: options.withDefaults(), gpus: map[string]*knownGPU{}}
	n.running, n.stop = context.WithCancel(context.Background())
	n.dog = newWatchdog(n.options.Clock, n.noteAnswer)
	n.events.init()
	var err error
	if n.minors, err = readCapabilityMinors(n.options.Proc); err != nil {
		return nil, err
	}
	// A driver that has not been used for a while takes its time to start.
	err = n.dog.run(n.running, "", n.options.WriteTimeout, func(o *operation) error {
		o.begin("Init")
		return o.failure(lib.Init())
	})
	if err != nil {
		n.stop()
		return nil, fmt.Errorf("starting NVML: %w", err)
	}
	if err := n.findGPUs(n.running); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	n.startEvents()
	return n, nil
}

// Close ends the session. It does so without NVML if a call still hangs.
func (n *NVML) Close() error {
	n.stop()
	if !n.stopEvents() || n.dog.anyHung() {
		return nil
	}
	return n.dog.run(context.Background(), "", n.options.ReadTimeout, func(o *operation) error {
		n.events.mu.Lock()
		set := n.events.set
		n.events.set = nil
		n.events.mu.Unlock()
		if set != nil {
			o.begin("EventSetFree")
			if err := o.failure(set.Free()); err != nil {
				return err
			}
		}
		o.begin("Shutdown")
		return o.failure(n.lib.Shutdown())
	})
}

// GPUs are the UUIDs of the GPUs that have answered in this session, in NVML's order.
func (n *NVML) GPUs() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	uuids := make([]string, 0, len(n.gpus))
	for uuid := range n.gpus {
		uuids = append(uuids, uuid)
	}
	slices.SortFunc(uuids, func(a, b string) int { return n.gpus[a].index - n.gpus[b].index })
	return uuids
}
