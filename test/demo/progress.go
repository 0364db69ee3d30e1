package demo

import (
	"fmt"
	"io"
	"time"
)

// demoProgress says what is being done, with the time since the start.
type demoProgress struct {
	out   io.Writer
	start time.Time
}

func newProgress(out io.Writer) *demoProgress { return &demoProgress{out: out, start: time.Now()} }

func (p *demoProgress) sayWhat(what string) {
	fmt.Fprintf(p.out, "[%5.1fs] %s\n", time.Since(p.start).Seconds(), what)
}

func (p *demoProgress) elapsedTime() time.Duration {
	return time.Since(p.start).Round(100 * time.Millisecond)
}
