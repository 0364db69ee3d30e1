package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Progress tells on standard error how far a long command is: on a terminal in one
// line that is rewritten, elsewhere in a line now and then if it takes long. It may be
// used from many goroutines.
type Progress struct {
	w        io.Writer
	terminal bool

	mutex    sync.Mutex
	counted  int
	started  time.Time
	lastTold time.Time
}

// How often it is told, on a terminal and where none shows it.
const (
	terminalInterval = time.Second / 5
	lineInterval     = 15 * time.Second
)

// NewProgress tells on w, which is a terminal or is not.
func NewProgress(w io.Writer) *Progress {
	now := time.Now()
	p := &Progress{w: w, started: now, lastTold: now}
	if file, ok := w.(*os.File); ok {
		if info, err := file.Stat(); err == nil {
			p.terminal = info.Mode()&os.ModeCharDevice != 0
		}
	}
	return p
}

// TellPart says, if it is time to, that so much of the work is done, more than 0 and
// less than 1. what is said in front of the time left.
func (p *Progress) TellPart(part float64, what func() string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.tellIfDue(part, what)
}

// CountRun counts one of all runs as done.
func (p *Progress) CountRun(all int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.counted++
	p.tellIfDue(float64(p.counted)/float64(all), func() string { return fmt.Sprintf("%d of %d runs", p.counted, all) })
}

func (p *Progress) tellIfDue(part float64, what func() string) {
	now, every := time.Now(), lineInterval
	if p.terminal {
		every = terminalInterval
	}
	if now.Sub(p.lastTold) < every || part <= 0 || part >= 1 {
		return
	}
	p.lastTold = now
	left := time.Duration(float64(now.Sub(p.started)) * (1 - part) / part)
	text := fmt.Sprintf("%s, about %s left", what(), left.Round(time.Second))
	if p.terminal {
		fmt.Fprintf(p.w, "\r%s\x1b[K", text)
	} else {
		fmt.Fprintln(p.w, text)
	}
}

// End clears the line on a terminal.
func (p *Progress) End() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
