package soak

import (
	"context"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// quiet is for how long nothing may change until the cluster is at rest: longer than any
	// back-off of the scheduler. restPatience is how long that is waited for.
	quiet        = 6 * time.Second
	restPatience = 2 * time.Minute
	// explained is how long at most a pod is without an explanation that waits for a claim from a template,
	// which takes longest: half a minute, and until it is next looked for.
	explained = 40 * time.Second
)

// snapshot is a checker of the cluster at one moment, with what is published then.
type snapshot struct {
	*checker
	slices []*sliceRecord
}

// snapshot reads everything as it was at one moment, and checks it: revisions are of the whole
// store.
func (w *world) snapshot(ctx context.Context) (*snapshot, error) {
	s := &snapshot{checker: newChecker()}
	for _, next := range w.history.inOrder() {
		if next.slice != nil {
			s.learn(next.slice)
		}
	}
	return s, w.persist(ctx, func(ctx context.Context) error {
		s.slices = nil
		pods, err := w.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		then := metav1.ListOptions{ResourceVersion: pods.ResourceVersion, ResourceVersionMatch: metav1.ResourceVersionMatchExact}
		claims, err := w.client.ResourceV1().ResourceClaims(namespace).List(ctx, then)
		if err != nil {
			return err
		}
		published, err := w.client.ResourceV1().ResourceSlices().List(ctx, then)
		if err != nil {
			return err
		}
		for i := range published.Items {
			slice := readSlice(&published.Items[i])
			s.learn(slice)
			s.slices = append(s.slices, slice)
		}
		for i := range claims.Items {
			s.setClaim(readClaim(&claims.Items[i]), false)
		}
		for i := range pods.Items {
			pod := readPod(&pods.Items[i])
			s.pods[pod.name] = pod
		}
		for _, pool := range slices.Sorted(maps.Keys(s.byPool)) {
			s.checkPool(pool)
		}
		for _, name := range slices.Sorted(maps.Keys(s.pods)) {
			if pod := s.pods[name]; pod.onNode() && !pod.ending {
				s.checkBound(pod)
			}
		}
		return nil
	})
}

// bound are the pods that are bound, ended ones too.
func (s *snapshot) bound() map[string]bool {
	names := map[string]bool{}
	for name, pod := range s.pods {
		if pod.node != "" {
			names[name] = true
		}
	}
	return names
}

// freeGPUs are the whole GPUs of which nobody has anything and which no taint bars.
func (s *snapshot) freeGPUs() int {
	held := map[string]bool{}
	for _, claims := range s.byPool {
		for _, claim := range claims {
			for _, device := range claim.devices {
				if known := s.devices[device.deviceKey]; known != nil {
					held[known.gpu] = true
				}
			}
		}
	}
	free := map[string]bool{}
	for _, slice := range s.slices {
		for _, device := range slice.devices {
			if device.kind == "gpu" && !device.barred && !held[device.gpu] {
				free[device.gpu] = true
			}
		}
	}
	return len(free)
}

// rest waits until nothing happens any more.
func (w *world) rest(ctx context.Context) (*snapshot, error) {
	last, since := "", time.Now()
	for begin := time.Now(); ; time.Sleep(250 * time.Millisecond) {
		pods := w.history.current()
		state, moving := "", ""
		for _, name := range slices.Sorted(maps.Keys(pods)) {
			pod := pods[name]
			state += name + "@" + pod.node + strconv.FormatBool(pod.over) + " "
			if pod.ending {
				moving = name
			}
		}
		if state != last || moving != "" {
			last, since = state, time.Now()
		}
		if time.Since(since) > quiet {
			return w.snapshot(ctx)
		}
		if time.Since(begin) > restPatience {
			return nil, fmt.Errorf("there is no rest within %s: pod %q is being deleted", restPatience, moving)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// awaitExplanations waits for as long as a pod may be without an explanation whose claims are not there.
func (w *world) awaitExplanations(ctx context.Context) {
	untold := func(pod podRecord) bool { return pod.node == "" && !pod.over && pod.waits == "" }
	for begin := time.Now(); ctx.Err() == nil && time.Since(begin) < explained; time.Sleep(250 * time.Millisecond) {
		if !slices.ContainsFunc(slices.Collect(maps.Values(w.history.current())), untold) {
			return
		}
	}
}

// checkRest holds what must be true at rest, and that a fresh scheduler places nothing more.
func (w *world) checkRest(ctx context.Context, when string) error {
	w.awaitExplanations(ctx)
	before, err := w.rest(ctx)
	if err != nil {
		return err
	}
	before.checkHolders()
	before.checkGangs(w.tally.gangs)
	pending := 0
	for _, name := range slices.Sorted(maps.Keys(before.pods)) {
		pod := before.pods[name]
		if pod.node != "" || pod.over {
			continue
		}
		pending++
		if pod.waits == "" {
			before.report(unexplained, "%s: pod %s (%s)", when, name, w.tally.formOf[jobOf(name)])
		}
	}
	differences, err := w.scheduler.compareCaches()
	if err != nil {
		return err
	}
	for _, line := range differences {
		before.report(cachesDiffer, "%s: %s", when, line)
	}
	if err := w.scheduler.kill(); err != nil {
		return err
	}
	time.Sleep(time.Second) // it is started again
	if err := w.scheduler.awaitLeader(ctx); err != nil {
		return err
	}
	time.Sleep(quiet / 2) // by now it has tried all that wait
	after, err := w.rest(ctx)
	if err != nil {
		return err
	}
	more := before.checkForgotten(after, when, w.tally.formOf)
	for _, v := range before.found {
		w.say("VIOLATION: %s", v)
	}
	w.problems = append(w.problems, before.found...)
	w.tally.rests++
	w.say("at rest %s: %d pods bound, %d pending, %d GPUs free; a fresh scheduler places %d more", when, len(before.bound()), pending,
		before.freeGPUs(), more)
	return nil
}

// checkForgotten holds that none waited before that has a node now, after a fresh scheduler has tried all,
// and returns how many did.
func (s *snapshot) checkForgotten(after *snapshot, when string, formOf map[string]string) (more int) {
	had := s.bound()
	for _, name := range slices.Sorted(maps.Keys(after.bound())) {
		if had[name] {
			continue
		}
		more++
		said := ""
		if pod := s.pods[name]; pod != nil {
			said = pod.waits
		}
		s.report(forgotten, "%s: pod %s (%s) on %s; the running scheduler said: %s", when, name, formOf[jobOf(name)], after.pods[name].node, said)
	}
	return more
}

// jobOf is the arrival that a pod belongs to.
func jobOf(pod string) string {
	for i := len(pod) - 1; i >= 0; i-- {
		if pod[i] == '-' {
			return pod[:i]
		}
	}
	return pod
}

// checkGangs holds that of each gang as many as it needs have begun or none, unless somebody has taken a member.
func (s *snapshot) checkGangs(gangs map[string]gangSize) {
	members, begun := map[string]int{}, map[string]int{}
	for _, pod := range s.pods {
		if pod.gang == "" {
			continue
		}
		members[pod.gang]++
		if pod.node != "" {
			begun[pod.gang]++
		}
	}
	for _, gang := range slices.Sorted(maps.Keys(members)) {
		size := gangs[gang]
		if members[gang] == size.members && begun[gang] > 0 && begun[gang] < size.needed {
			s.report(gangsHalf, "%d of the %d that %s needs", begun[gang], size.needed, gang)
		}
	}
}

// thin deletes a third of the arrivals at random and returns the others.
func (w *world) thin(ctx context.Context, random *rand.Rand, arrivals []*arrival) (left []*arrival, err error) {
	var going []*arrival
	for _, a := range arrivals {
		if random.Intn(3) > 0 {
			left = append(left, a)
		} else {
			going = append(going, a)
		}
	}
	if err := inParallel(ctx, going, w.changeLate); err != nil {
		return nil, err
	}
	return left, w.leaveAll(ctx, going)
}

// checkFree deletes all pods that wait and holds that exactly those whole GPUs can be had that
// the API server shows to be free.
func (w *world) checkFree(ctx context.Context, when string) error {
	for name, pod := range w.history.current() {
		if pod.node != "" {
			continue
		}
		w.tally.noteDeleted(name)
		err := w.persist(ctx, func(ctx context.Context) error {
			return w.client.CoreV1().Pods(namespace).Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
		})
		if err != nil {
			return err
		}
	}
	s, err := w.rest(ctx)
	if err != nil {
		return err
	}
	free := s.freeGPUs()
	var probes []*arrival
	for i := range free + 2 {
		name := fmt.Sprintf("probe-%d-%03d", w.tally.probes, i)
		a := &arrival{name: name, form: "probes"}
		a.pods = append(a.pods, newPod(name+"-0", nil))
		a.pods[0].Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
		a.useClaim(claimFor(asking("gpu", wholeClass, 1)), false)
		probes = append(probes, a)
	}
	if err := inParallel(ctx, probes, w.arrive); err != nil {
		return err
	}
	w.tally.probes++
	after, err := w.rest(ctx)
	if err != nil {
		return err
	}
	had := 0
	for _, probe := range probes {
		if pod := after.pods[probe.pods[0].Name]; pod != nil && pod.node != "" {
			had++
		}
	}
	w.say("%s: %d of %d free GPUs can be had", when, had, free)
	if had != free {
		w.problem(notHadAgain, "%s: %d GPUs are free and %d can be had", when, free, had)
	}
	return w.leaveAll(ctx, probes)
}

// claimsGone says which claim is left although its pods have gone.
func (w *world) claimsGone(ctx context.Context) error {
	claims, err := w.client.ResourceV1().ResourceClaims(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if len(claims.Items) > 0 {
		return fmt.Errorf("%d claims are left, such as %s", len(claims.Items), claims.Items[0].Name)
	}
	return nil
}
