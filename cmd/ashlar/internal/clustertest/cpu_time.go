//go:build unix

package clustertest

import (
	"syscall"
	"testing"
	"time"
)

// CountCPU reports what the operations of a benchmark take of processors, which says more than how long they take where
// others use them too. Call it before the loop, and what it returns after.
func CountCPU(b *testing.B) (stop func()) {
	b.Helper()
	from := usedCPU(b)
	return func() { b.ReportMetric((usedCPU(b)-from).Seconds()/float64(b.N), "cpu-s/op") }
}

func usedCPU(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
