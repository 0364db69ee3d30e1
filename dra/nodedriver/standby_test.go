package nodedriver

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Of two drivers one serves; the other says that it stands by, and serves when the first ends.
func TestLockNode(t *testing.T) {
	directory := t.TempDir()
	unlock, err := lockNode(t.Context(), directory, func() { t.Error("the first driver stands by") })
	if err != nil {
		t.Fatal(err)
	}
	standsBy, serves := make(chan struct{}), make(chan func())
	go func() {
		second, err := lockNode(t.Context(), directory, func() { close(standsBy) })
		if err != nil {
			t.Error(err)
		}
		serves <- second
	}()
	<-standsBy
	select {
	case <-serves:
		t.Fatal("two drivers serve the node")
	case <-time.After(3 * lockPause):
	}
	unlock()
	(<-serves)()

	unlock, err = lockNode(t.Context(), directory, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := lockNode(ctx, directory, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("a driver that is stopped while it stands by: %v, want %v", err, context.Canceled)
	}
}
