package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// driverName is the program whose image has a C library.
const driverName = "ashlar-dra-driver"

// Program is a folder of cmd/ of which an image is made.
type Program struct {
	Name string
	// CGO says that it links C, and that its image has Debian's C library and NVIDIA's hook.
	CGO bool
	// User is as whom it runs.
	User string
}

// descriptions are for the images' labels.
var descriptions = map[string]string{
	"ashlar":            "GPU placement for Kubernetes, explained: the command line",
	"ashlar-scheduler":  "Places GPU pods by memory, MIG profile and NVLink topology",
	"ashlar-dra-driver": "Publishes the GPUs of a node and prepares them for pods",
	"ashlar-webhook":    "Gives GPU pods the claims that they mean",
}

// findPrograms lists the programs of the repository, or those that are named.
func findPrograms(root string, only []string) ([]Program, error) {
	entries, err := os.ReadDir(filepath.Join(root, "cmd"))
	if err != nil {
		return nil, fmt.Errorf("finding the programs of the repository: %w", err)
	}
	wanted := map[string]bool{}
	for _, name := range only {
		wanted[name] = true
	}
	var programs []Program
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if !entry.IsDir() || descriptions[name] == "" {
			continue // kubectl-ashlar and others that no cluster runs
		}
		names = append(names, name)
		if len(only) > 0 && !wanted[name] {
			continue
		}
		delete(wanted, name)
		program := Program{Name: name, User: nonRootUser}
		if name == driverName {
			// It creates MIG instances and writes where the kubelet and the container runtime look.
			program.CGO, program.User = true, "0:0"
		}
		programs = append(programs, program)
	}
	for name := range wanted {
		return nil, fmt.Errorf("no image is made of %s: there are %s", name, strings.Join(names, ", "))
	}
	return programs, nil
}
