package prepare

import (
	"context"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// keyedLocks are locks by name. Several are taken in the order of their names, so that
// those who wait for each other never do so in a circle.
type keyedLocks struct {
	mu    sync.Mutex
	locks map[string]*keyedLock
}

type keyedLock struct {
	// free holds a token while nobody has the lock.
	free chan struct{}
	// users have it or wait for it.
	users int
}

// claimKey and gpuKey name the locks. Those of claims sort before those of GPUs, since
// which GPUs a claim has is only known under its lock.
func claimKey(uid types.UID) string { return "claim " + string(uid) }
func gpuKey(uuid string) string     { return "gpu " + uuid }

// lockKeys waits for all locks, or until ctx ends. keys are sorted, each once.
func (k *keyedLocks) lockKeys(ctx context.Context, keys []string) (unlock func(), err error) {
	var held []string
	unlock = func() {
		for _, key := range slices.Backward(held) {
			k.leaveLock(key, true)
		}
	}
	for _, key := range keys {
		lock := k.enterLock(key)
		select {
		case <-lock.free:
			held = append(held, key)
		case <-ctx.Done():
			k.leaveLock(key, false)
			unlock()
			return nil, ctx.Err()
		}
	}
	return unlock, nil
}

func (k *keyedLocks) enterLock(key string) *keyedLock {
	k.mu.Lock()
	defer k.mu.Unlock()
	lock, found := k.locks[key]
	if !found {
		lock = &keyedLock{free: make(chan struct{}, 1)}
		lock.free <- struct{}{}
		if k.locks == nil {
			k.locks = map[string]*keyedLock{}
		}
		k.locks[key] = lock
	}
	lock.users++
	return lock
}

func (k *keyedLocks) leaveLock(key string, held bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	lock := k.locks[key]
	lock.users--
	if held {
		lock.free <- struct{}{}
	}
	if lock.users == 0 {
		delete(k.locks, key)
	}
}
