package browser

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// chromium is a browser that is told what to do through a pair of pipes, in the DevTools
// protocol (https://chromedevtools.github.io/devtools-protocol/).
type chromium struct {
	to      io.Writer
	mu      sync.Mutex
	last    int
	waiting map[int]chan message
	tabs    map[string]*tab
	ended   error
}

// message is one of either direction.
type message struct {
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
	t.Skip("Chromium is not installed: the report is not looked at in a browser (Debian: apt-get install chromium)")
	return ""
}

// start starts a browser that ends with the test.
func start(t testing.TB) *chromium {
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
		"--disable-extensions", "--hide-scrollbars", "--force-color-profile=srgb", "--host-resolver-rules=MAP * ~NOTFOUND",
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
	c := &chromium{to: write, waiting: map[int]chan message{}, tabs: map[string]*tab{}}
	go c.listen(read)
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

// listen hands out answers and events until the browser ends.
func (c *chromium) listen(from io.Reader) {
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
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		c.mu.Lock()
		if answer, found := c.waiting[m.ID]; found && m.ID > 0 {
			delete(c.waiting, m.ID)
			answer <- m
		} else if tab := c.tabs[m.SessionID]; tab != nil {
			tab.note(m)
		}
		c.mu.Unlock()
	}
}

// call sends a command and waits for its answer.
func (c *chromium) call(session, method string, params, result any) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	answer := make(chan message, 1)
	c.mu.Lock()
	if c.ended != nil {
		c.mu.Unlock()
		return c.ended
	}
	c.last++
	id := c.last
	c.waiting[id] = answer
	text, err := json.Marshal(message{ID: id, SessionID: session, Method: method, Params: raw})
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

// tab is an open page.
type tab struct {
	*chromium
	t       testing.TB
	session string
	// complaints are errors and warnings of the console, exceptions, and requests.
	complaints []string
}

// note keeps what should not happen; c.mu is held.
func (p *tab) note(m message) {
	switch m.Method {
	case "Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled", "Page.javascriptDialogOpening":
		p.complaints = append(p.complaints, m.Method+" "+string(m.Params))
	case "Network.requestWillBeSent":
		var params struct {
			Request struct {
				URL string `json:"url"`
			} `json:"request"`
		}
		if json.Unmarshal(m.Params, &params) != nil || !strings.HasPrefix(params.Request.URL, "file://") && params.Request.URL != "data:," {
			p.complaints = append(p.complaints, "request "+params.Request.URL)
		}
	}
}

// said are the complaints so far.
func (p *tab) said() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.complaints)
}

// open opens a page of a width and height, in a new tab.
func (c *chromium) open(t testing.TB, page []byte, width, height int, dark bool) *tab {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		t.Fatal(err)
	}
	var target struct {
		TargetID string `json:"targetId"`
	}
	if err := c.call("", "Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		t.Fatal(err)
	}
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	if err := c.call("", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached); err != nil {
		t.Fatal(err)
	}
	p := &tab{chromium: c, t: t, session: attached.SessionID}
	c.mu.Lock()
	c.tabs[p.session] = p
	c.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		p.do(domain+".enable", map[string]any{})
	}
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	p.do("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}})
	p.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
	p.do("Page.navigate", map[string]any{"url": "file://" + file})
	p.until(`document.documentElement.dataset.ready === "yes"`)
	return p
}

func (p *tab) do(method string, params any) {
	p.t.Helper()
	if err := p.call(p.session, method, params, nil); err != nil {
		p.t.Fatal(err)
	}
}

// evaluate runs a script and returns its value.
func evaluate[T any](p *tab, script string) T {
	p.t.Helper()
	value, err := try[T](p, script)
	if err != nil {
		p.t.Fatal(err)
	}
	return value
}

func try[T any](p *tab, script string) (T, error) {
	var answer struct {
		Result struct {
			Value T `json:"value"`
		} `json:"result"`
		ExceptionDetails json.RawMessage `json:"exceptionDetails"`
	}
	err := p.call(p.session, "Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true, "awaitPromise": true}, &answer)
	if err == nil && answer.ExceptionDetails != nil {
		err = fmt.Errorf("%s: %s", script, answer.ExceptionDetails)
	}
	return answer.Result.Value, err
}

// until waits for a condition, which may fail while the page changes.
func (p *tab) until(condition string) {
	p.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		is, err := try[bool](p, "Boolean("+condition+")")
		if is && err == nil {
			return
		}
		if !time.Now().Before(deadline) {
			p.t.Fatalf("%s did not become true (%v); the page complains: %q", condition, err, p.said())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// key presses a key where the focus is.
func (p *tab) key(name string) {
	p.t.Helper()
	codes := map[string]int{"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "End": 35, "Home": 36, " ": 32,
		".": 190, ",": 188, "Escape": 27}
	for _, kind := range []string{"rawKeyDown", "keyUp"} {
		p.do("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": name, "code": name, "windowsVirtualKeyCode": codes[name]})
	}
}

// move moves the mouse, click presses its button too; both to places in the window.
func (p *tab) move(x, y float64) {
	p.t.Helper()
	p.do("Input.dispatchMouseEvent", map[string]any{"type": "mouseMoved", "x": x, "y": y})
}

func (p *tab) click(x, y float64) {
	p.t.Helper()
	p.move(x, y)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.do("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1})
	}
}

// box is where an element is in the window, once scrolled to.
type box struct{ X, Y, Width, Height float64 }

func (p *tab) box(selector string) box {
	p.t.Helper()
	return evaluate[box](p, fmt.Sprintf(`(async () => {
		const e = document.querySelector(%q); e.scrollIntoView({block: "center", behavior: "instant"});
		for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame); // until the scroll event is over
		const b = e.getBoundingClientRect(); return {X: b.x, Y: b.y, Width: b.width, Height: b.height}; })()`, selector))
}

func (p *tab) clickOn(selector string) {
	p.t.Helper()
	b := p.box(selector)
	p.click(b.X+b.Width/2, b.Y+b.Height/2)
}

// picture is a PNG of the window, or of the whole page.
func (p *tab) picture(whole bool) []byte {
	p.t.Helper()
	var answer struct {
		Data string `json:"data"`
	}
	if err := p.call(p.session, "Page.captureScreenshot", map[string]any{"captureBeyondViewport": whole}, &answer); err != nil {
		p.t.Fatal(err)
	}
	picture, err := base64.StdEncoding.DecodeString(answer.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	return picture
}
