package simulate

import "syscall"

// threadSeconds is the CPU time of the calling thread so far.
func threadSeconds() float64 {
	const thisThread = 1 // RUSAGE_THREAD of getrusage(2)
	var used syscall.Rusage
	if err := syscall.Getrusage(thisThread, &used); err != nil {
		return 0 // only a kernel before 2.6.26 has none
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}
