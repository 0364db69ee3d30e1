package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ashlar-dev/ashlar/simulator"
)

// runProgress tells on standard error how far runs are, if they take long. It is for
// one run after the other; see progress for many at once.
type runProgress struct {
	w        io.Writer
	runs     int
	terminal bool
	started  time.Time
	told     time.Time
}

func newRunProgress(w io.Writer, runs int) *runProgress {
	now := time.Now()
	p := &runProgress{w: w, runs: runs, started: now, told: now}
	if file, ok := w.(*os.File); ok {
		if info, err := file.Stat(); err == nil {
			p.terminal = info.Mode()&os.ModeCharDevice != 0
		}
	}
	return p
}

// of is what the run with the given number tells about its simulated time.
func (p *runProgress) of(run int, horizon simulator.Time) func(simulator.Time) {
	return func(at simulator.Time) {
		now := time.Now()
		every := progressEvery
		if p.terminal {
			every = time.Second / 2
		}
		if now.Sub(p.told) < every || at <= 0 || horizon <= 0 {
			return
		}
		p.told = now
		part := (float64(run) + min(1, float64(at)/float64(horizon))) / float64(p.runs)
		left := time.Duration(float64(now.Sub(p.started)) * (1 - part) / part)
		text := fmt.Sprintf("simulated %s of %s, run %d of %d, about %s left", at, horizon, run+1, p.runs, left.Round(time.Second))
		if p.terminal {
			fmt.Fprintf(p.w, "\r%s\x1b[K", text)
		} else {
			fmt.Fprintln(p.w, text)
		}
	}
}

// end clears the line on a terminal.
func (p *runProgress) end() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
