package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// progress tells on standard error how far a long command is: on a terminal in one
// line that is rewritten, elsewhere in a line now and then if it takes long.
type progress struct {
	w        io.Writer
	all      int
	terminal bool

	mutex   sync.Mutex
	did     int
	started time.Time
	told    time.Time
}

// progressEvery is how often it is told where no terminal shows it.
const progressEvery = 15 * time.Second

func newProgress(w io.Writer, all int) *progress {
	now := time.Now()
	p := &progress{w: w, all: all, started: now, told: now}
	if file, ok := w.(*os.File); ok {
		if info, err := file.Stat(); err == nil {
			p.terminal = info.Mode()&os.ModeCharDevice != 0
		}
	}
	return p
}

// done counts one part of the work.
func (p *progress) done() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.did++
	now := time.Now()
	every := progressEvery
	if p.terminal {
		every = time.Second / 5
	}
	if now.Sub(p.told) < every || p.did == p.all {
		return
	}
	p.told = now
	left := now.Sub(p.started) / time.Duration(p.did) * time.Duration(p.all-p.did)
	text := fmt.Sprintf("%d of %d runs, about %s left", p.did, p.all, left.Round(time.Second))
	if p.terminal {
		fmt.Fprintf(p.w, "\r%s\x1b[K", text)
	} else {
		fmt.Fprintln(p.w, text)
	}
}

// end clears the line on a terminal.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
