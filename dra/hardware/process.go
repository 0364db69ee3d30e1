package hardware

import (
	"context"
	"os/exec"
	"time"
)

// processGrace is how long a command may take to end once its context has.
const processGrace = time.Second

// RunProcess runs a command of the system and returns what it printed.
func RunProcess(ctx context.Context, name string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.WaitDelay = processGrace
	return command.CombinedOutput()
}
