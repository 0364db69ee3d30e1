//go:build !linux

package simulate

import "time"

var processStart = time.Now()

// threadSeconds is the time that passed, where no CPU time of a thread is to be had.
func threadSeconds() float64 { return time.Since(processStart).Seconds() }
