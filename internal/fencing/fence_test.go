package fencing

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// fakeLock accepts every record that it is not told to refuse.
type fakeLock struct {
	resourcelock.Interface

	refuse error
}

func (l *fakeLock) Identity() string                                                { return "me" }
func (l *fakeLock) Create(context.Context, resourcelock.LeaderElectionRecord) error { return l.refuse }
func (l *fakeLock) Update(context.Context, resourcelock.LeaderElectionRecord) error { return l.refuse }

// testFence is a fence with a clock that can be put forward.
func testFence(t *testing.T) (*Fence, *leaderelection.LeaderElectionConfig, *fakeLock, *atomic.Int64) {
	t.Helper()
	lock := &fakeLock{}
	election := &leaderelection.LeaderElectionConfig{Lock: lock, LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second}
	fence := NewFence(election)
	var passed atomic.Int64
	fence.since = func(began time.Time) time.Duration { return time.Since(began) + time.Duration(passed.Load()) }
	return fence, election, lock, &passed
}

var mine = resourcelock.LeaderElectionRecord{HolderIdentity: "me"}

func renew(t *testing.T, election *leaderelection.LeaderElectionConfig) {
	t.Helper()
	if err := election.Lock.Update(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
}

func TestFenceFollowsRenewals(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(t *testing.T, election *leaderelection.LeaderElectionConfig, lock *fakeLock, passed *atomic.Int64)
		want bool
	}{
		"never held": {func(*testing.T, *leaderelection.LeaderElectionConfig, *fakeLock, *atomic.Int64) {}, false},
		"created": {func(t *testing.T, e *leaderelection.LeaderElectionConfig, _ *fakeLock, _ *atomic.Int64) {
			if err := e.Lock.Create(t.Context(), mine); err != nil {
				t.Fatal(err)
			}
		}, true},
		"refused": {func(t *testing.T, e *leaderelection.LeaderElectionConfig, lock *fakeLock, _ *atomic.Int64) {
			lock.refuse = errors.New("another holds it")
			if err := e.Lock.Update(t.Context(), mine); err == nil {
				t.Fatal("no error")
			}
		}, false},
		"renewed a while ago": {func(t *testing.T, e *leaderelection.LeaderElectionConfig, _ *fakeLock, passed *atomic.Int64) {
			renew(t, e)
			passed.Store(int64(9 * time.Second))
		}, true},
		"renewed too long ago": {func(t *testing.T, e *leaderelection.LeaderElectionConfig, _ *fakeLock, passed *atomic.Int64) {
			renew(t, e)
			passed.Store(int64(10 * time.Second))
		}, false},
		"a failure does not close what is fresh": {func(t *testing.T, e *leaderelection.LeaderElectionConfig, lock *fakeLock, _ *atomic.Int64) {
			renew(t, e)
			lock.refuse = errors.New("slow")
			if err := e.Lock.Update(t.Context(), mine); err == nil {
				t.Fatal("no error")
			}
		}, true},
		"given up": {func(t *testing.T, e *leaderelection.LeaderElectionConfig, _ *fakeLock, _ *atomic.Int64) {
			renew(t, e)
			if err := e.Lock.Update(t.Context(), resourcelock.LeaderElectionRecord{}); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			fence, election, lock, passed := testFence(t)
			tc.do(t, election, lock, passed)
			if _, got := fence.beginWrite(); got != tc.want {
				t.Errorf("may write: %t, want %t", got, tc.want)
			}
			if got := fence.remainingTime() > 0; got != tc.want {
				t.Errorf("time remains: %t, want %t", got, tc.want)
			}
		})
	}
}

// What is not the holder's own lease or a read is refused while the fence is closed.
func TestClosedFenceRefusesWrites(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	fence, election, _, _ := testFence(t)
	config, err := fence.WrapConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	const claims, leases = "/apis/resource.k8s.io/v1/namespaces/a/resourceclaims/b/status", "/apis/coordination.k8s.io/v1/namespaces/a/leases"
	send := func(method, path string) error {
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, bytes.NewReader([]byte("{}")))
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		return response.Body.Close()
	}
	for name, tc := range map[string]struct {
		method, path string
		refused      bool
	}{
		"read": {http.MethodGet, claims, false}, "lease": {http.MethodPut, leases, false},
		"create": {http.MethodPost, claims, true}, "update": {http.MethodPut, claims, true},
		"patch": {http.MethodPatch, claims, true}, "delete": {http.MethodDelete, claims, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := send(tc.method, tc.path); errors.Is(err, ErrNotLeader) != tc.refused {
				t.Errorf("closed: error %v, want refused: %t", err, tc.refused)
			}
		})
	}
	renew(t, election)
	if err := send(http.MethodPut, claims); err != nil {
		t.Errorf("open: %v", err)
	}
}

// A connection that was open asks again before each write.
func TestConnectionAsksBeforeEachWrite(t *testing.T) {
	fence, election, _, passed := testFence(t)
	renew(t, election)
	near, far := net.Pipe()
	defer far.Close()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	guarded, err := fence.dialContext(func(context.Context, string, string) (net.Conn, error) { return near, nil })(t.Context(), "tcp", "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := guarded.Write([]byte("fresh")); err != nil {
		t.Errorf("fresh: %v", err)
	}
	passed.Store(int64(time.Minute)) // the process was stopped
	if _, err := guarded.Write([]byte("stale")); !errors.Is(err, ErrNotLeader) {
		t.Errorf("stale: %v, want %v", err, ErrNotLeader)
	}
	passed.Store(0)
	if _, err := guarded.Write([]byte("after a gap")); err == nil {
		t.Error("the connection is still in use")
	}
}

// A lease is given up only after what is under way has ended.
func TestReleaseWaitsForWrites(t *testing.T) {
	fence, election, _, _ := testFence(t)
	renew(t, election)
	if _, open := fence.beginWrite(); !open {
		t.Fatal("closed")
	}
	released := make(chan error, 1)
	go func() { released <- election.Lock.Update(context.Background(), resourcelock.LeaderElectionRecord{}) }()
	select {
	case <-released:
		t.Fatal("released while a write was under way")
	case <-time.After(50 * time.Millisecond):
	}
	if _, open := fence.beginWrite(); open {
		t.Error("a new write was let through")
	}
	if fence.remainingTime() <= 0 {
		t.Error("what is under way cannot end")
	}
	fence.endWrite()
	if err := <-released; err != nil {
		t.Error(err)
	}
}
