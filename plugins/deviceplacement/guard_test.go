package deviceplacement

import (
	"context"
	"testing"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	fwk "k8s.io/kube-scheduler/framework"
)

// clientHandle has what a ledger needs of a scheduler.
type clientHandle struct {
	fwk.Handle

	client  kubernetes.Interface
	factory informers.SharedInformerFactory
}

func (h *clientHandle) ClientSet() kubernetes.Interface                        { return h.client }
func (h *clientHandle) SharedInformerFactory() informers.SharedInformerFactory { return h.factory }

// Profiles of one scheduler share a ledger and with it the detector, until the scheduler ends.
func TestProfilesShareLedger(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	client := fake.NewClientset()
	handle := &clientHandle{client: client, factory: informers.NewSharedInformerFactory(client, 0)}
	other := &clientHandle{client: client, factory: informers.NewSharedInformerFactory(client, 0)}
	first, err := sharedLedger(ctx, handle)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		handle *clientHandle
		same   bool
	}{
		"another profile": {handle, true}, "another scheduler": {other, false},
	} {
		got, err := sharedLedger(ctx, tc.handle)
		if err != nil {
			t.Fatal(err)
		}
		if (got == first) != tc.same {
			t.Errorf("%s has the ledger of the first profile: %t, want %t", name, got == first, tc.same)
		}
	}
	stop()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		sharedLedgers.Lock()
		kept := sharedLedgers.of[handle.factory] != nil
		sharedLedgers.Unlock()
		if !kept {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the ledger outlives its scheduler")
		}
	}
}
