//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// runtimeName is the name under which this program stands for runc.
const runtimeName = "oci-runtime"

// becomeRuntime becomes runc, for a container without a filter of system calls: runc
// knows filters only if it was built with a C library that not every machine has, and
// refuses a container that has one otherwise. containerd has no setting to leave it out.
func becomeRuntime(args []string) error {
	if bundle := bundleFolder(args); bundle != "" {
		if err := dropFilter(filepath.Join(bundle, "config.json")); err != nil {
			return err
		}
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		return fmt.Errorf("finding runc: %w", err)
	}
	return fmt.Errorf("starting %s: %w", runc, syscall.Exec(runc, append([]string{"runc"}, args...), os.Environ()))
}

// bundleFolder returns the folder of the container that the arguments create, if they do.
func bundleFolder(args []string) string {
	for i, arg := range args {
		if arg == "--bundle" && i+1 < len(args) {
			return args[i+1]
		}
		if folder, ok := strings.CutPrefix(arg, "--bundle="); ok {
			return folder
		}
	}
	return ""
}

// dropFilter takes the filter of system calls out of a container's specification, and
// leaves all else as it is.
func dropFilter(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading a container's specification: %w", err)
	}
	var spec, linux map[string]json.RawMessage
	if err := json.Unmarshal(text, &spec); err != nil {
		return fmt.Errorf("reading a container's specification: %w", err)
	}
	if err := json.Unmarshal(spec["linux"], &linux); err != nil {
		return fmt.Errorf("reading a container's specification: %w", err)
	}
	delete(linux, "seccomp")
	if spec["linux"], err = json.Marshal(linux); err != nil {
		return fmt.Errorf("writing a container's specification: %w", err)
	}
	if text, err = json.Marshal(spec); err != nil {
		return fmt.Errorf("writing a container's specification: %w", err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("writing a container's specification: %w", err)
	}
	return nil
}
