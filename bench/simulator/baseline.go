package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// baselineCommit is the commit that figures are compared with: the last one at which every
// node was looked at for every job.
const baselineCommit = "f959110"

// buildBaseline builds the CLI of that commit in a folder, from a worktree that is removed
// again.
func buildBaseline(ctx context.Context, folder string) (binary string, err error) {
	tree, binary := filepath.Join(folder, "tree"), filepath.Join(folder, "ashlar")
	run := func(dir string, words ...string) error {
		command := exec.CommandContext(ctx, words[0], words[1:]...)
		command.Dir, command.Stdout, command.Stderr = dir, os.Stderr, os.Stderr
		if err := command.Run(); err != nil {
			return fmt.Errorf("building the baseline %s: %v: %w; give another CLI with --baseline", baselineCommit, words, err)
		}
		return nil
	}
	if err := run("", "git", "worktree", "add", "--detach", tree, baselineCommit); err != nil {
		return "", err
	}
	defer func() {
		if removed := run("", "git", "worktree", "remove", "--force", tree); err == nil {
			err = removed
		}
	}()
	return binary, run(tree, "go", "build", "-o", binary, "./cmd/ashlar")
}
