package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"
)

// twoNodes is a cluster and what two simulated nodes in it have.
func twoNodes(t *testing.T) (*fake.Clientset, []publishedNode) {
	t.Helper()
	o := driverOptions{nodesFile: write(t, "nodes.yaml", "- {name: a, machine: 8xL40S-2socket-node}\n- {name: b, machine: 4xA30-pcie}\n")}
	nodes, err := o.discoverNodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := fake.NewClientset(
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "b"}})
	var created atomic.Int64
	client.PrependReactor("create", "resourceslices", func(action ktesting.Action) (bool, runtime.Object, error) {
		slice := action.(ktesting.CreateAction).GetObject().(*resourceapi.ResourceSlice)
		slice.Name = fmt.Sprint(slice.GenerateName, created.Add(1))
		return false, nil, nil
	})
	return client, nodes
}

// The driver is ready once all nodes are published, and a signal ends it
// without an error and without taking anything away.
func TestServe(t *testing.T) {
	client, nodes := twoNodes(t)
	nodes = nodes[:1] // the fake ignores field selectors, so that two controllers would fight
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var ready atomic.Bool
	ended := make(chan error, 1)
	go func() { ended <- serveNodes(ctx, client, nodes, &ready) }()
	for deadline := time.Now().Add(time.Minute); !ready.Load(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not ready within a minute")
		}
	}
	cancel(fmt.Errorf("terminated")) // as signal.NotifyContext does
	if err := <-ended; err != nil {
		t.Errorf("a signal ends serving with %v", err)
	}
	list, err := client.ResourceV1().ResourceSlices().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]int{}
	for _, slice := range list.Items {
		of[*slice.Spec.NodeName]++
	}
	if of["a"] != 2 { // 8 counter sets in one, 16 devices in the other
		t.Errorf("slices of each node: %v, want 2 of a", of)
	}
}

func TestServeWithoutItsNode(t *testing.T) {
	client, nodes := twoNodes(t)
	nodes[1].name = "c"
	var ready atomic.Bool
	err := serveNodes(t.Context(), client, nodes, &ready)
	if err == nil || !strings.Contains(err.Error(), `node "c" does not exist`) || ready.Load() {
		t.Errorf("error %v, ready %v", err, ready.Load())
	}
}

func TestReadiness(t *testing.T) {
	var ready atomic.Bool
	if _, err := serveReadiness(t.Context(), "nowhere:1:2", &ready); err == nil {
		t.Error("an address that is none is accepted")
	}
	address, err := serveReadiness(t.Context(), "127.0.0.1:0", &ready)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{http.StatusServiceUnavailable, http.StatusOK} {
		response, err := http.Get("http://" + address.String() + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("ready %v: status %d, want %d", ready.Load(), response.StatusCode, want)
		}
		ready.Store(true)
	}
}
