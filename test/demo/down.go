package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

// clusterPrefix begins the names of the demo's clusters.
const clusterPrefix = "demo"

// Down ends the clusters that the demo kept.
func Down(ctx context.Context, out io.Writer) error {
	binaries, err := cluster.FindBinaries()
	if err != nil {
		return err
	}
	folders, err := filepath.Glob(filepath.Join(filepath.Dir(binaries.Dir()), "clusters", clusterPrefix+"-*"))
	if err != nil {
		return err
	}
	if len(folders) == 0 {
		fmt.Fprintln(out, "no demo cluster is up")
	}
	var failed error
	for _, folder := range folders {
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			continue
		}
		if err := cluster.Down(ctx, folder); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		fmt.Fprintln(out, "ended", folder)
	}
	return failed
}
