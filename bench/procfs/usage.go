package procfs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ticks is how many the kernel counts a second in /proc: USER_HZ, which is 100 on every
// architecture that Go knows.
const ticks = 100

// CPUTime is the time in user and system mode that a process has used so far, to 10 ms.
func CPUTime(pid int) (time.Duration, error) {
	file := fmt.Sprintf("/proc/%d/stat", pid)
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("reading the CPU time of process %d: %w", pid, err)
	}
	used, err := parseStat(string(text))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	return used, nil
}

// parseStat reads the fields utime and stime, 14 and 15 of proc_pid_stat(5). The second field,
// the program's name, may have spaces and brackets in it.
func parseStat(text string) (time.Duration, error) {
	end := strings.LastIndexByte(text, ')')
	fields := strings.Fields(text[end+1:])
	const utime = 14 - 3
	if end < 0 || len(fields) <= utime+1 {
		return 0, fmt.Errorf("want more fields behind the name: %q", text)
	}
	var sum time.Duration
	for _, field := range fields[utime : utime+2] {
		count, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("CPU time: %w", err)
		}
		sum += time.Duration(count) * time.Second / ticks
	}
	return sum, nil
}

// OwnCPUTime is the time in user and system mode that this process has used so far.
func OwnCPUTime() (time.Duration, error) {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("reading the CPU time of this process: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// PeakMiB is the most memory that a process has had (VmHWM), in MiB.
func PeakMiB(pid int) (int, error) {
	bytes, err := readMemory(pid, "VmHWM")
	return int(bytes >> 20), err
}

// OwnPeakMiB is PeakMiB of this process.
func OwnPeakMiB() (int, error) { return PeakMiB(os.Getpid()) }

// AnonymousBytes is the memory that a process has of its own now, without mapped files (RssAnon), in bytes.
func AnonymousBytes(pid int) (int64, error) { return readMemory(pid, "RssAnon") }

// readMemory reads a line of /proc/PID/status, in bytes.
func readMemory(pid int, name string) (int64, error) {
	file := fmt.Sprintf("/proc/%d/status", pid)
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	bytes, err := parseMemory(string(text), name)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	return bytes, nil
}

func parseMemory(text, name string) (int64, error) {
	for line := range strings.Lines(text) {
		value, found := strings.CutPrefix(line, name+":")
		if !found {
			continue
		}
		kibibytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		return kibibytes << 10, nil
	}
	return 0, fmt.Errorf("no %s", name)
}
