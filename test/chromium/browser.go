package chromium

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Browser is a Chromium that is told what to do through a pair of pipes, in the DevTools
// protocol (https://chromedevtools.github.io/devtools-protocol/).
type Browser struct {
	to      io.Writer
	mu      sync.Mutex
	last    int
	waiting map[int]chan protocolMessage
	tabs    map[string]*Tab
	ended   error
}

// protocolMessage is one of either direction.
type protocolMessage struct {
	ID        int             `json:"id,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// findChromium skips the test if there is none.
func findChromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("Chromium is not installed: the page is not looked at in a browser (Debian: apt-get install chromium)")
	return ""
}

// StartBrowser starts a browser that ends with the test.
func StartBrowser(t testing.TB) *Browser {
	t.Helper()
	path := findChromium(t)
	read, theirWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	theirRead, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var output strings.Builder
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-extensions", "--hide-scrollbars", "--force-color-profile=srgb", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe")
	command.ExtraFiles = []*os.File{theirRead, theirWrite}
	command.Stderr = &output
	command.Env = append(os.Environ(), "TMPDIR="+t.TempDir()) // what it leaves behind, as it is killed
	// The browser has children of its own, which must not outlive it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 5 * time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	theirRead.Close()
	theirWrite.Close()
	c := &Browser{to: write, waiting: map[int]chan protocolMessage{}, tabs: map[string]*Tab{}}
	go c.readMessages(read)
	t.Cleanup(func() {
		cancel()
		command.Wait() // it was killed: no error is news
		read.Close()
		write.Close()
		if t.Failed() {
			t.Logf("Chromium said:\n%s", output.String())
		}
	})
	return c
}

// readMessages hands out answers and events until the browser ends.
func (c *Browser) readMessages(from io.Reader) {
	in := bufio.NewReaderSize(from, 1<<20)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			c.mu.Lock()
			c.ended = fmt.Errorf("the browser is gone: %w", err)
			for id, answer := range c.waiting {
				close(answer)
				delete(c.waiting, id)
			}
			c.mu.Unlock()
			return
		}
		var m protocolMessage
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		c.mu.Lock()
		if answer, found := c.waiting[m.ID]; found && m.ID > 0 {
			delete(c.waiting, m.ID)
			answer <- m
		} else if tab := c.tabs[m.SessionID]; tab != nil {
			tab.noteMessage(m)
		}
		c.mu.Unlock()
	}
}

// callMethod sends a command and waits for its answer.
func (c *Browser) callMethod(session, method string, params, result any) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	answer := make(chan protocolMessage, 1)
	c.mu.Lock()
	if c.ended != nil {
		c.mu.Unlock()
		return c.ended
	}
	c.last++
	id := c.last
	c.waiting[id] = answer
	text, err := json.Marshal(protocolMessage{ID: id, SessionID: session, Method: method, Params: raw})
	if err == nil {
		_, err = c.to.Write(append(text, 0))
	}
	c.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case m, open := <-answer:
		switch {
		case !open:
			return errors.New("the browser ended")
		case m.Error != nil:
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		case result != nil:
			return json.Unmarshal(m.Result, result)
		}
		return nil
	case <-time.After(time.Minute):
		return fmt.Errorf("%s: no answer within a minute", method)
	}
}
