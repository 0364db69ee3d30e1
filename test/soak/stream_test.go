package soak

import (
	"context"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// perRound is how many pods arrive in a round, more or less, writers how many requests are
	// made at a time.
	perRound = 25
	writers  = 8
	// backlog is how many pods may be undecided when the next round begins, roundPatience how
	// long that is waited for.
	backlog       = 10
	roundPatience = 8 * time.Second
	// progressEvery is after how many rounds the cluster is read back and looked at.
	progressEvery = 4
)

// stream lets so many pods arrive, a round after another, while those whose time is over leave
// and things go wrong. In its last part nothing is killed, so that the scheduler's memory tells
// something. It returns the arrivals that are left.
func (w *world) stream(ctx context.Context, random *rand.Rand, pods int) (left []*arrival, err error) {
	changing, leaving := map[int][]*arrival{}, map[int][]*arrival{}
	faults := newFaults(w, random, max(1, pods/perRound))
	arrived, number := 0, 0
	for round := 0; arrived < pods; round++ {
		var coming []*arrival
		for fresh := 0; fresh < perRound; number++ {
			a := drawArrival(random, number)
			fresh += len(a.pods)
			coming = append(coming, a)
			leaving[round+a.rounds] = append(leaving[round+a.rounds], a)
			if a.late != nil {
				changing[round+a.late.after] = append(changing[round+a.late.after], a)
			}
			w.tally.addArrival(a)
		}
		var steps []func(context.Context) error
		for _, a := range coming {
			arrived += len(a.pods)
			steps = append(steps, func(ctx context.Context) error { return w.arrive(ctx, a) })
		}
		for _, a := range leaving[round] {
			w.noteDeleted(a)
			steps = append(steps, func(ctx context.Context) error { return w.leave(ctx, a) })
		}
		for _, a := range changing[round] {
			steps = append(steps, func(ctx context.Context) error { return w.changeLate(ctx, a) })
		}
		delete(leaving, round)
		delete(changing, round)
		random.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		group, writing := errgroup.WithContext(ctx)
		group.SetLimit(writers)
		group.Go(func() error { return faults.round(ctx, round) })
		for _, step := range steps {
			group.Go(func() error { return step(writing) })
		}
		if err := group.Wait(); err != nil {
			return nil, fmt.Errorf("round %d: %w", round, err)
		}
		if err := w.awaitBacklog(ctx); err != nil {
			return nil, err
		}
		w.tally.sampleMemory(w.scheduler, arrived, pods)
		if round%progressEvery == progressEvery-1 {
			if err := w.progress(ctx, arrived); err != nil {
				return nil, err
			}
		}
	}
	if err := faults.mend(ctx); err != nil {
		return nil, err
	}
	for _, list := range leaving {
		left = append(left, list...)
	}
	slices.SortFunc(left, func(a, b *arrival) int { return strings.Compare(a.name, b.name) })
	return left, nil
}

// awaitBacklog waits until the scheduler has decided about most pods, for a while.
func (w *world) awaitBacklog(ctx context.Context) error {
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		undecided, err := w.history.countUndecided()
		if err != nil || ctx.Err() != nil {
			return errorOr(err, ctx.Err())
		}
		if undecided <= backlog || time.Since(begin) > roundPatience {
			return nil
		}
	}
}

func errorOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func (w *world) arrive(ctx context.Context, a *arrival) error {
	if a.late != nil && a.late.before != nil {
		if err := a.late.before(ctx, w); err != nil {
			return err
		}
	}
	for _, claim := range a.claims {
		if a.late != nil && slices.Contains(a.late.withheld, claim) {
			continue
		}
		if err := w.makeClaim(ctx, claim); err != nil {
			return err
		}
	}
	if a.template != nil {
		err := w.persist(ctx, func(ctx context.Context) error {
			_, err := w.client.ResourceV1().ResourceClaimTemplates(namespace).Create(ctx, a.template, metav1.CreateOptions{})
			return err
		})
		if err != nil {
			return err
		}
	}
	if a.group != nil && (a.late == nil || !a.late.withheldGroup) {
		if err := w.makeGroup(ctx, a.group); err != nil {
			return err
		}
	}
	for _, pod := range a.pods {
		if err := w.makePod(ctx, pod); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) makeClaim(ctx context.Context, claim *resourceapi.ResourceClaim) error {
	return w.persist(ctx, func(ctx context.Context) error {
		_, err := w.client.ResourceV1().ResourceClaims(namespace).Create(ctx, claim, metav1.CreateOptions{})
		return err
	})
}

func (w *world) makeGroup(ctx context.Context, group *unstructured.Unstructured) error {
	return w.persist(ctx, func(ctx context.Context) error {
		_, err := w.groups.Create(ctx, group, metav1.CreateOptions{})
		return err
	})
}

func (w *world) makePod(ctx context.Context, pod *corev1.Pod) error {
	return w.persist(ctx, func(ctx context.Context) error {
		_, err := w.client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{})
		return err
	})
}

// noteDeleted notes that the test deletes an arrival's pods.
func (w *world) noteDeleted(a *arrival) {
	for _, pod := range a.pods {
		w.tally.noteDeleted(pod.Name)
	}
}

func (w *world) leave(ctx context.Context, a *arrival) error {
	options := metav1.DeleteOptions{}
	if a.abrupt {
		options.GracePeriodSeconds = new(int64)
	}
	var calls []func(context.Context) error
	for _, pod := range a.pods {
		calls = append(calls, func(ctx context.Context) error {
			return w.client.CoreV1().Pods(namespace).Delete(ctx, pod.Name, options)
		})
	}
	if a.group != nil {
		calls = append(calls, func(ctx context.Context) error { return w.groups.Delete(ctx, a.name, metav1.DeleteOptions{}) })
	}
	for _, claim := range a.claims {
		calls = append(calls, func(ctx context.Context) error {
			return w.client.ResourceV1().ResourceClaims(namespace).Delete(ctx, claim.Name, metav1.DeleteOptions{})
		})
	}
	if a.template != nil {
		calls = append(calls, func(ctx context.Context) error {
			return w.client.ResourceV1().ResourceClaimTemplates(namespace).Delete(ctx, a.name, metav1.DeleteOptions{})
		})
	}
	for _, call := range calls {
		if err := w.persist(ctx, call); err != nil {
			return err
		}
	}
	if a.late != nil && a.late.undo != nil {
		return a.late.undo(ctx, w)
	}
	return nil
}

// leaveAll deletes arrivals.
func (w *world) leaveAll(ctx context.Context, arrivals []*arrival) error {
	for _, a := range arrivals {
		w.noteDeleted(a)
	}
	return inParallel(ctx, arrivals, w.leave)
}

func inParallel(ctx context.Context, arrivals []*arrival, do func(context.Context, *arrival) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for _, a := range arrivals {
		group.Go(func() error { return do(ctx, a) })
	}
	return group.Wait()
}

// progress reads the cluster back, looks at it and says how far the stream is.
func (w *world) progress(ctx context.Context, arrived int) error {
	s, err := w.snapshot(ctx)
	if err != nil {
		return err
	}
	bound := 0
	for _, pod := range s.pods {
		if pod.onNode() {
			bound++
		}
	}
	memory, age, err := w.scheduler.resident()
	if err != nil {
		memory = 0 // it is being started
	}
	w.problems = append(w.problems, s.found...)
	for _, v := range s.found {
		w.say("VIOLATION: %s", v)
	}
	w.say("%d pods have come, %d are there, %d bound; scheduler of %s: %d MiB; %d violations", arrived, len(s.pods), bound,
		age.Round(time.Second), memory, len(w.problems))
	return w.cluster.Err()
}
