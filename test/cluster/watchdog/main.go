// Command watchdog outlives the process that runs a cluster, and clears up after
// it if it dies.
//
// Its standard input is a pipe whose other end the owner holds and never passes
// on. The kernel closes that end however the owner dies, so reading to the end
// is waiting for the owner. The owner's lock on the cluster's directory is
// inherited, so nobody else takes the directory while it is being cleared. An
// owner that leaves something behind on purpose writes a word first.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ashlar-dev/ashlar/test/cluster/mark"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: watchdog MARK DIRECTORY LOCKFILE < PIPE")
		os.Exit(2)
	}
	word, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "waiting for the owner to end:", err)
		os.Exit(1)
	}
	if len(word) > 0 {
		return
	}
	err = errors.Join(
		mark.Mark(os.Args[1]).End(context.Background(), 0),
		os.RemoveAll(os.Args[2]),
		os.RemoveAll(os.Args[3]),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, "clearing up after the owner:", err)
		os.Exit(1)
	}
}
