package mixednodes

import (
	"context"
	"fmt"
	"math/rand"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// perRound is how many pods arrive in a round, writers how many requests to the API
	// server are made at a time.
	perRound = 50
	writers  = 8
	// checkEvery is after how many rounds all is read back and looked at.
	checkEvery = 5
	// restartRound is the round before which the scheduler is started anew.
	restartRound = 25
	// decisionTimeout is how long the scheduler may take for a round.
	decisionTimeout = 2 * time.Minute
)

// stream lets the pods arrive, a round after another, while those whose time is over leave.
// A round begins when the scheduler has decided about all pods of the one before.
func (w *world) stream(ctx context.Context, t *testing.T, arrivals []*arrival, random *rand.Rand) {
	t.Helper()
	leaving := map[int][]*arrival{}
	for round := 0; len(arrivals) > 0; round++ {
		if round == restartRound {
			if err := w.ashlar.RestartScheduler(ctx); err != nil {
				t.Fatal(err)
			}
			t.Logf("[%5.1fs] the scheduler was started anew", time.Since(w.begin).Seconds())
		}
		coming := arrivals[:min(perRound, len(arrivals))]
		arrivals = arrivals[len(coming):]
		var steps []func(context.Context) error
		var names []string
		for _, a := range coming {
			names = append(names, a.pod.Name)
			leaving[round+a.rounds] = append(leaving[round+a.rounds], a)
			steps = append(steps, func(ctx context.Context) error { return w.arrive(ctx, a) })
		}
		for _, a := range leaving[round] {
			steps = append(steps, func(ctx context.Context) error { return w.leave(ctx, a) })
		}
		random.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		group, writing := errgroup.WithContext(ctx)
		group.SetLimit(writers)
		for _, step := range steps {
			group.Go(func() error { return step(writing) })
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		deciding, cancel := context.WithTimeout(ctx, decisionTimeout)
		err := w.history.awaitDecided(deciding, names)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if round%checkEvery == checkEvery-1 {
			w.checkSnapshot(ctx, t)
		}
	}
}

func (w *world) arrive(ctx context.Context, a *arrival) error {
	if a.claim != nil {
		if _, err := w.client.ResourceV1().ResourceClaims(namespace).Create(ctx, a.claim, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	_, err := w.client.CoreV1().Pods(namespace).Create(ctx, a.pod, metav1.CreateOptions{})
	return err
}

func (w *world) leave(ctx context.Context, a *arrival) error {
	options := metav1.DeleteOptions{}
	if a.abrupt {
		options.GracePeriodSeconds = new(int64)
	}
	err := w.client.CoreV1().Pods(namespace).Delete(ctx, a.pod.Name, options)
	if err != nil && !apierrors.IsNotFound(err) { // it may have been ended for another
		return err
	}
	if a.claim == nil {
		return nil
	}
	err = w.client.ResourceV1().ResourceClaims(namespace).Delete(ctx, a.claim.Name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// snapshot reads everything back as it was at one moment: revisions are of the whole store.
func (w *world) snapshot(ctx context.Context) (_ *checker, revision int64, _ error) {
	pods, err := w.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, 0, err
	}
	if revision, err = strconv.ParseInt(pods.ResourceVersion, 10, 64); err != nil {
		return nil, 0, err
	}
	then := metav1.ListOptions{ResourceVersion: pods.ResourceVersion, ResourceVersionMatch: metav1.ResourceVersionMatchExact}
	claims, err := w.client.ResourceV1().ResourceClaims(namespace).List(ctx, then)
	if err != nil {
		return nil, 0, err
	}
	c := newChecker(w.facts)
	for i := range claims.Items {
		c.setClaim(readClaim(&claims.Items[i]), false)
	}
	for i := range pods.Items {
		pod, err := readPod(&pods.Items[i])
		if err != nil {
			return nil, 0, err
		}
		c.pods[pod.name] = pod
		if pod.onNode() {
			into(c.podsOn, pod.node)[pod.name] = pod
		}
	}
	return c, revision, nil
}

// checkSnapshot looks at the cluster as it is now.
func (w *world) checkSnapshot(ctx context.Context, t *testing.T) {
	t.Helper()
	c, _, err := w.snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c.checkAll()
	w.snapshots++
	for _, v := range c.found {
		w.problems[v] = true
	}
	bound := 0
	for _, pod := range c.pods {
		if pod.onNode() {
			bound++
		}
	}
	t.Logf("[%5.1fs] %d pods are there, %d of them bound, %d of 60 nodes in use", time.Since(w.begin).Seconds(), len(c.pods), bound,
		len(c.podsOn))
	if err := w.cluster.Err(); err != nil {
		t.Fatal(err)
	}
}

// settle waits until no pod is being deleted and the history has all that happened.
func (w *world) settle(ctx context.Context, t *testing.T) {
	t.Helper()
	err := w.cluster.Until(ctx, "all that was deleted to be gone", func(ctx context.Context) error {
		pods, err := w.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		w.history.mutex.Lock()
		defer w.history.mutex.Unlock()
		if len(pods.Items) != len(w.history.newest) {
			return fmt.Errorf("%d pods are there and %d are known", len(pods.Items), len(w.history.newest))
		}
		for i := range pods.Items {
			pod := &pods.Items[i]
			known := w.history.newest[pod.Name]
			if pod.DeletionTimestamp != nil || known == nil || known.node != pod.Spec.NodeName || pod.Status.Phase == corev1.PodPending &&
				pod.Spec.NodeName != "" {
				return fmt.Errorf("pod %s is in change", pod.Name)
			}
		}
		return w.history.failed
	})
	if err != nil {
		t.Fatal(err)
	}
}
