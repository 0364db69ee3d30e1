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
