package mps

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	// controlProgram is both the daemon and what talks to it.
	controlProgram = "nvidia-cuda-mps-control"
	// answerTime is how long a daemon may take for a command other than to quit.
	answerTime = 5 * time.Second
	// quitTime is how long it may take for its clients to end, before it ends them.
	quitTime = 10 * time.Second
	// question is what a daemon that runs answers.
	question = "get_default_active_thread_percentage"
)

// environment is what the daemon, and what talks to it, need.
func (p Paths) environment() []string {
	return append(os.Environ(), "CUDA_MPS_PIPE_DIRECTORY="+p.Pipes, "CUDA_MPS_LOG_DIRECTORY="+p.Logs)
}

// tellDaemon gives one command to the daemon, and returns what it answers.
func tellDaemon(ctx context.Context, program string, paths Paths, command string, patience time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	talk := exec.CommandContext(ctx, program)
	talk.Env = paths.environment()
	talk.Stdin = strings.NewReader(command + "\n")
	talk.WaitDelay = time.Second // for what it started and left
	answer, err := talk.CombinedOutput()
	text := strings.TrimSpace(string(answer))
	switch {
	case ctx.Err() != nil:
		return text, fmt.Errorf("%s: no answer within %s: %w", command, patience, ctx.Err())
	case err != nil:
		return text, fmt.Errorf("%s: %w: %s", command, err, lastLines(text))
	}
	return text, nil
}

// lastLines are the end of a program's output, for messages.
func lastLines(text string) string {
	const most = 400
	text = strings.TrimSpace(text)
	if len(text) > most {
		text = "..." + text[len(text)-most:]
	}
	if text == "" {
		return "it printed nothing"
	}
	return strings.ReplaceAll(text, "\n", "; ")
}
