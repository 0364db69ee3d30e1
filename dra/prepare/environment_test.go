package prepare

import (
	"context"
	"os"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// quietContext is the test's, without a log.
func quietContext(t testing.TB) context.Context {
	return klog.NewContext(t.Context(), logr.Discard())
}

// memoryDirectory is a directory in memory where there is such, since the end of
// a process, unlike a power failure, loses no file: syncing to a disk would only take time.
func memoryDirectory(t testing.TB) string {
	t.Helper()
	directory, err := os.MkdirTemp("/dev/shm", "prepare-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(directory) })
	return directory
}
