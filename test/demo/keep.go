package demo

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

// keepCluster leaves the cluster up, with a kubectl for it, and says how to use it.
func keepCluster(c *cluster.Cluster, out io.Writer) error {
	folder, err := WriteKubectl(c)
	if err != nil {
		return err
	}
	if err := c.Detach(); err != nil {
		return err
	}
	fmt.Fprintf(out, `
The cluster stays up. The pods are in namespace %s, logs in %s. Use it with
  export PATH=%s:$PATH KUBECONFIG=%s
  kubectl -n %s get pods
and end it with
  make down
Nodes and containers are simulated: kubectl logs and exec have nothing to show. The pods of namespace
ashlar-system are stand-ins; the scheduler and the driver run as processes on this machine.
`, Namespace, filepath.Join(c.Dir(), "logs"), folder, c.Kubeconfig(), Namespace)
	return nil
}

// WriteKubectl puts a kubectl into a folder of the cluster, for scripts too, and returns the folder.
func WriteKubectl(c *cluster.Cluster) (folder string, err error) {
	folder = filepath.Join(c.Dir(), "bin")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' kubectl \"$@\"\n", c.Binaries().ControlPlane())
	return folder, os.WriteFile(filepath.Join(folder, "kubectl"), []byte(script), 0o700) //nolint:gosec // it is to be run
}
