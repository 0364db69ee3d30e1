package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ashlar-dev/ashlar/test/cluster/cgroups"
	"github.com/ashlar-dev/ashlar/test/cluster/mark"
)

// clearLimit is far more than it takes to end all processes. What is left then is
// removed as far as it can be.
const clearLimit = time.Minute

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
	ctx, cancel := context.WithTimeout(context.Background(), clearLimit)
	defer cancel()
	run := mark.Mark(os.Args[1])
	err = errors.Join(
		run.End(ctx, 0),
		cgroups.Remove(ctx, cgroups.RunGroup(run)),
		os.RemoveAll(os.Args[2]),
		os.RemoveAll(os.Args[3]),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, "clearing up after the owner:", err)
		os.Exit(1)
	}
}
