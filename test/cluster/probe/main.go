package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// probeReport is what the probe prints; package cluster reads it as ProbeReport.
type probeReport struct {
	Env     map[string]string `json:"env"`
	Devices []string          `json:"devices"`
	Mounts  []string          `json:"mounts"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "pause" {
		waitForEnd()
		return
	}
	report, err := lookAround()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(report)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
	if len(os.Args) > 1 && os.Args[1] == "once" {
		return
	}
	waitForEnd()
}

// lookAround collects what the container has.
func lookAround() (probeReport, error) {
	report := probeReport{Env: map[string]string{}, Devices: []string{}, Mounts: []string{}}
	for _, line := range os.Environ() {
		name, value, _ := strings.Cut(line, "=")
		report.Env[name] = value
	}
	err := filepath.WalkDir("/dev", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type()&fs.ModeDevice != 0 {
			report.Devices = append(report.Devices, path)
		}
		return err
	})
	if err != nil {
		return report, err
	}
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return report, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 4 {
			report.Mounts = append(report.Mounts, fields[4])
		}
	}
	return report, lines.Err()
}

// waitForEnd waits to be asked to end. As the first process of its namespace it collects
// those whose parents have ended.
func waitForEnd() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for s := range signals {
		if s != syscall.SIGCHLD {
			return
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
}
