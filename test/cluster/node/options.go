//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
)

// nodeOptions are the flags of `node run`, which process 1 gets, too.
type nodeOptions struct {
	dir, name, cgroup string
	// programs are the folders of containerd, its shim, ctr and runc.
	programs string
	kubelet  string
	// api is the API server's address on the machine.
	api string
	// serviceIP is the address of the Service kubernetes.default.
	serviceIP string
	// nodeIP is an address of the node's own.
	nodeIP      string
	kubeletPort int
	images      pathList
	// keep are folders below /var and /run that the node sees all the same.
	keep         pathList
	kubeletFlags []string
}

// pathList is a flag that may be given several times.
type pathList []string

func (l *pathList) String() string { return strings.Join(*l, ",") }

// Set implements flag.Value.
func (l *pathList) Set(path string) error {
	*l = append(*l, path)
	return nil
}

func parseOptions(args []string) (nodeOptions, error) {
	var o nodeOptions
	flags := flag.NewFlagSet("node", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "", "folder of the node's state, with containerd.toml in it")
	flags.StringVar(&o.name, "name", "", "the node's host name")
	flags.StringVar(&o.cgroup, "cgroup", "", "control group for the node's pods; made and removed")
	flags.StringVar(&o.programs, "programs", "", "PATH for containerd, ctr, its shim and runc")
	flags.StringVar(&o.kubelet, "kubelet", "", "the kubelet's program")
	flags.StringVar(&o.api, "api", "", "host:port of the API server")
	flags.StringVar(&o.serviceIP, "service-ip", "", "address at which the node finds the API server at port 443, too")
	flags.StringVar(&o.nodeIP, "node-ip", "", "address that the node has beside 127.0.0.1")
	flags.IntVar(&o.kubeletPort, "kubelet-port", 0, "the kubelet's port, on the node and on the machine's loopback interface")
	flags.Var(&o.images, "image", "archive of an image that the node has; may be repeated")
	flags.Var(&o.keep, "keep", "folder below /var or /run that the node sees all the same; may be repeated")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.kubeletFlags = flags.Args()
	if o.dir == "" || o.name == "" || o.cgroup == "" || o.kubelet == "" || o.api == "" || o.kubeletPort == 0 {
		return o, errors.Join(errUsage, errors.New("-dir, -name, -cgroup, -kubelet, -api and -kubelet-port are needed"))
	}
	return o, nil
}

// pidFile holds the process id, on the machine, of the node's process 1.
func pidFile(dir string) string { return filepath.Join(dir, "pid") }

// logFile is where a program of the node writes.
func (o nodeOptions) logFile(program string) string {
	return filepath.Join(o.dir, "logs", fmt.Sprintf("%s.log", program))
}
