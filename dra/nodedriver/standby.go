package nodedriver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"
)

// lockFile is held by the driver that serves a node. During an upgrade two run: the new one
// stands by until the old one ends, since both would write the same checkpoint. The kernel
// lets go of the lock with the process, however that ends.
const lockFile = "lock"

// lockPause is how often a driver that stands by looks again. The kubelet calls again what
// fails meanwhile.
const lockPause = 100 * time.Millisecond

// lockNode waits until no other driver serves the node. standBy is called once if another
// does.
func lockNode(ctx context.Context, directory string, standBy func()) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(directory, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the node: %w", err)
	}
	told := false
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			_ = file.Close()
			return nil, fmt.Errorf("locking the node: %s: %w", file.Name(), err)
		}
		if !told {
			told = true
			klog.FromContext(ctx).Info("another driver serves this node, standing by until it ends", "lock", file.Name())
			standBy()
		}
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, ctx.Err()
		case <-time.After(lockPause):
		}
	}
}
