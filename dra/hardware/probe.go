package hardware

import (
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// gpuAnswer is whether a GPU hangs or is lost, and whether that was told.
type gpuAnswer struct{ hangs, lost, toldHangs, toldLost bool }

// update changes what is known of a GPU's answers.
func (p *eventPump) update(gpu string, change func(*gpuAnswer)) {
	p.mu.Lock()
	if p.answers[gpu] == nil {
		p.answers[gpu] = &gpuAnswer{}
	}
	before := *p.answers[gpu]
	change(p.answers[gpu])
	changed := before != *p.answers[gpu]
	p.mu.Unlock()
	if changed {
		select {
		case p.change <- struct{}{}:
		default: // it is known already
		}
	}
}

// noteAnswer is told by the watchdog.
func (n *NVML) noteAnswer(gpu string, answers bool) {
	if checkGPU(gpu) == nil {
		n.events.update(gpu, func(a *gpuAnswer) { a.hangs = !answers })
	}
}

// notePresence keeps whether a GPU is there, which every call tells.
func (n *NVML) notePresence(gpu string, present bool) {
	n.events.update(gpu, func(a *gpuAnswer) {
		if !present {
			n.events.registered[gpu] = false // a GPU that comes back is registered again
		}
		a.lost = !present
	})
}

// untold takes an event out of what is known of GPUs' answers.
func (p *eventPump) untold(gpus []string, now time.Time) (Event, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, gpu := range gpus {
		a := p.answers[gpu]
		switch {
		case a == nil:
		case a.lost && !a.toldLost:
			a.toldLost = true
			return Event{GPU: gpu, Kind: EventGPULost, At: now}, true
		case a.hangs && !a.toldHangs:
			a.toldHangs = true
			return Event{GPU: gpu, Kind: EventNotResponding, At: now}, true
		case !a.lost && !a.hangs && (a.toldLost || a.toldHangs):
			a.toldLost, a.toldHangs = false, false
			return Event{GPU: gpu, Kind: EventRespondingAgain, At: now}, true
		}
	}
	return Event{}, false
}

// probeGPUs starts to ask every GPU whether it is there, and registers those that are
// new. A GPU that is being asked already is left out.
func (n *NVML) probeGPUs() *sync.WaitGroup {
	var asked sync.WaitGroup
	for _, gpu := range n.GPUs() {
		n.events.mu.Lock()
		busy := n.events.probing[gpu]
		n.events.probing[gpu] = true
		n.events.mu.Unlock()
		if !busy {
			asked.Add(1)
			n.events.done.Go(func() {
				defer asked.Done()
				n.probeGPU(gpu)
			})
		}
	}
	return &asked
}

func (n *NVML) probeGPU(gpu string) {
	defer func() {
		n.events.mu.Lock()
		defer n.events.mu.Unlock()
		n.events.probing[gpu] = false
	}()
	_ = n.on(n.running, gpu, n.options.ReadTimeout, func(o *operation, handle nvml.Device) error {
		o.begin("GetMemoryInfo")
		if _, ret := handle.GetMemoryInfo(); !isAbsent(ret) {
			if err := o.failure(ret); err != nil {
				return err
			}
		}
		return n.register(o, handle)
	}) // the answer is noted
}
