package gobuild

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// CommitTime is the time that stands in what is built: SOURCE_DATE_EPOCH, or that of the
// commit of the checkout at root.
func CommitTime(ctx context.Context, root string) (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		command := exec.CommandContext(ctx, "git", "log", "-1", "--format=%ct")
		command.Dir = root
		output, err := command.Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("asking git for the commit's time: %w; outside a checkout set SOURCE_DATE_EPOCH", err)
		}
		text = strings.TrimSpace(string(output))
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH %q is no number of seconds since 1970", text)
	}
	return time.Unix(seconds, 0), nil
}
