package soak

import (
	"context"
	"fmt"
	"math/rand"
	"slices"
	"sync/atomic"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

// calmFrom is the part of the stream, in percent, from which on nothing is killed.
const calmFrom = 60

// fault is one thing that goes wrong.
type fault struct {
	name string
	// kills says that it ends or halts a process: not in the calm part.
	kills bool
	do    func(*faults, context.Context) error
}

var faultKinds = []fault{
	{"scheduler killed in the middle of binding", true, (*faults).armed},
	{"GPU unhealthy, or well again", false, (*faults).taint},
	{"scheduler killed", true, func(f *faults, _ context.Context) error { return f.w.scheduler.kill() }},
	{"node lost, or back", false, (*faults).moveNode},
	{"API server halted", true, (*faults).haltServer},
	{"pool shrunk, or grown", false, (*faults).resize},
	{"scheduler killed in the middle of binding", true, (*faults).armed},
	{"driver killed", true, func(f *faults, ctx context.Context) error { return f.w.cluster.CrashProcess(ctx, "ashlar-dra-driver") }},
	{"API server killed", true, func(f *faults, ctx context.Context) error { return f.crash(ctx, "kube-apiserver") }},
	{"scheduler killed in the middle of binding", true, (*faults).armed},
	{"etcd killed", true, func(f *faults, ctx context.Context) error { return f.crash(ctx, "etcd") }},
	{"scheduler killed", true, func(f *faults, _ context.Context) error { return f.w.scheduler.kill() }},
}

// faults lets things go wrong while pods come and go. Its random numbers are its own, since it
// runs beside the stream.
type faults struct {
	w      *world
	random *rand.Rand
	rounds int
	next   []fault
	// waiting says that the scheduler is to be killed when it next allocates a claim.
	waiting atomic.Bool
}

func newFaults(w *world, random *rand.Rand, rounds int) *faults {
	f := &faults{w: w, random: rand.New(rand.NewSource(random.Int63())), rounds: rounds}
	w.history.mutex.Lock()
	defer w.history.mutex.Unlock()
	w.history.onAllocation = f.allocated
	return f
}

// round does what goes wrong in a round: one thing in each, all kinds in turn.
func (f *faults) round(ctx context.Context, round int) error {
	if len(f.next) == 0 {
		f.next = slices.Clone(faultKinds)
		f.random.Shuffle(len(f.next), func(i, j int) { f.next[i], f.next[j] = f.next[j], f.next[i] })
	}
	calm := round*100 >= f.rounds*calmFrom
	for i, kind := range f.next {
		if calm && kind.kills {
			continue
		}
		f.next = slices.Delete(f.next, i, i+1)
		time.Sleep(time.Duration(f.random.Intn(300)) * time.Millisecond)
		f.w.say("%s", kind.name)
		f.w.tally.count(kind.name)
		if err := kind.do(f, ctx); err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
		return nil
	}
	f.next = nil
	return nil
}

// armed has the scheduler killed at the next allocation of a pod that is not bound.
func (f *faults) armed(context.Context) error {
	f.waiting.Store(true)
	return nil
}

// allocated is called for every claim that is allocated before its pod is bound.
func (f *faults) allocated(pod string) {
	if !f.waiting.CompareAndSwap(true, false) {
		return
	}
	go func() {
		if err := f.w.scheduler.kill(); err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		now, err := f.w.client.CoreV1().Pods(namespace).Get(ctx, pod, metav1.GetOptions{})
		if err == nil && now.Spec.NodeName == "" {
			f.w.tally.count("... with a claim allocated and its pod not bound")
		}
	}()
}

// drawNode draws a node whose slices the test publishes.
func (f *faults) drawNode() *fleetNode { return f.w.fleet[f.random.Intn(len(f.w.fleet))] }

// taint makes a GPU unhealthy, or all of a node's well again.
func (f *faults) taint(ctx context.Context) error {
	n := f.drawNode()
	if n.lost {
		return nil
	}
	if len(n.tainted) > 0 {
		clear(n.tainted)
	} else {
		effect := resourceapi.DeviceTaintEffectNoSchedule
		if f.random.Intn(3) == 0 {
			effect = resourceapi.DeviceTaintEffectNoExecute
		}
		n.tainted[n.drawGPU(f.random)] = effect
	}
	return f.w.publish(ctx, n)
}

// resize takes GPUs out of a pool, or puts those back that it lacks.
func (f *faults) resize(ctx context.Context) error {
	n := f.drawNode()
	if n.lost {
		return nil
	}
	if len(n.hidden) > 0 {
		clear(n.hidden)
	} else {
		for range 1 + f.random.Intn(2) {
			n.hidden[n.drawGPU(f.random)] = true
		}
	}
	return f.w.publish(ctx, n)
}

// moveNode removes a node, or brings those back that were.
func (f *faults) moveNode(ctx context.Context) error {
	back := false
	for _, n := range f.w.fleet {
		if n.lost {
			back = true
			if err := f.bring(ctx, n); err != nil {
				return err
			}
		}
	}
	if back {
		return nil
	}
	n := f.drawNode()
	n.lost = true
	return f.w.persist(ctx, func(ctx context.Context) error {
		return f.w.client.CoreV1().Nodes().Delete(ctx, n.name, metav1.DeleteOptions{})
	})
}

func (f *faults) bring(ctx context.Context, n *fleetNode) error {
	err := f.w.persist(ctx, func(ctx context.Context) error {
		return f.w.cluster.AddNodes(ctx, []cluster.NodeSpec{{Name: n.name}})
	})
	if err != nil {
		return err
	}
	n.lost = false
	return f.w.publish(ctx, n)
}

// haltServer lets the API server answer nothing for a while.
func (f *faults) haltServer(context.Context) error {
	for _, process := range f.w.cluster.Processes() {
		if process.Name() != "kube-apiserver" {
			continue
		}
		if err := process.Pause(); err != nil {
			return err
		}
		time.Sleep(time.Second + time.Duration(f.random.Intn(3000))*time.Millisecond)
		return process.Resume()
	}
	return nil
}

// crash kills etcd or the API server and starts it again.
func (f *faults) crash(ctx context.Context, name string) error {
	return f.w.cluster.CrashProcess(ctx, name)
}

// mend ends all that is wrong.
func (f *faults) mend(ctx context.Context) error {
	f.waiting.Store(false)
	for _, n := range f.w.fleet {
		lost := n.lost
		wrong := n.heal()
		var err error
		switch {
		case lost:
			err = f.bring(ctx, n)
		case wrong:
			err = f.w.publish(ctx, n)
		}
		if err != nil {
			return err
		}
	}
	return f.w.cluster.WaitNodesReady(ctx)
}
