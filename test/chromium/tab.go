package chromium

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Tab is an open page.
type Tab struct {
	*Browser
	t       testing.TB
	session string
	// origin is what the page may ask for beside files.
	origin string
	// complaints are errors and warnings of the console, exceptions, and requests.
	complaints []string
}

// noteMessage keeps what should not happen; c.mu is held.
func (p *Tab) noteMessage(m protocolMessage) {
	switch m.Method {
	case "Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled", "Page.javascriptDialogOpening":
		p.complaints = append(p.complaints, m.Method+" "+string(m.Params))
	case "Network.requestWillBeSent":
		var params struct {
			Request struct {
				URL string `json:"url"`
			} `json:"request"`
		}
		if json.Unmarshal(m.Params, &params) != nil || !p.mayRequest(params.Request.URL) {
			p.complaints = append(p.complaints, "request "+params.Request.URL)
		}
	}
}

// mayRequest reports whether a page may load an address: its own, and none if it is a file.
func (p *Tab) mayRequest(address string) bool {
	return address == "data:," || strings.HasPrefix(address, "file://") || p.origin != "" && strings.HasPrefix(address, p.origin)
}

// ListComplaints gives the complaints so far.
func (p *Tab) ListComplaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.complaints)
}

// Screen is what a page is shown on.
type Screen struct {
	// Width and Height are in pixels of the page.
	Width, Height int
	Dark          bool
	// Scale is pixels of the screen to one of the page, 1 if it is 0.
	Scale float64
}

// OpenPage opens the text of a page, in a new tab.
func (c *Browser) OpenPage(t testing.TB, page []byte, screen Screen) *Tab {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		t.Fatal(err)
	}
	return c.openTab(t, "file://"+file, "", screen)
}

// OpenAddress opens a page that a server at the origin serves, such as http://127.0.0.1:1234, in a
// new tab.
func (c *Browser) OpenAddress(t testing.TB, origin, path string, screen Screen) *Tab {
	t.Helper()
	return c.openTab(t, origin+path, origin+"/", screen)
}

func (c *Browser) openTab(t testing.TB, address, origin string, screen Screen) *Tab {
	t.Helper()
	var target struct {
		TargetID string `json:"targetId"`
	}
	if err := c.callMethod("", "Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		t.Fatal(err)
	}
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	if err := c.callMethod("", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached); err != nil {
		t.Fatal(err)
	}
	p := &Tab{Browser: c, t: t, session: attached.SessionID, origin: origin}
	c.mu.Lock()
	c.tabs[p.session] = p
	c.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		p.SendCommand(domain+".enable", map[string]any{})
	}
	scheme := "light"
	if screen.Dark {
		scheme = "dark"
	}
	p.SendCommand("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme",
		"value": scheme}}})
	p.SendCommand("Emulation.setDeviceMetricsOverride", map[string]any{
		"width": screen.Width, "height": screen.Height, "deviceScaleFactor": cmp.Or(screen.Scale, 1), "mobile": false,
	})
	p.SendCommand("Page.navigate", map[string]any{"url": address})
	p.WaitUntil(`document.documentElement.dataset.ready === "yes"`)
	return p
}

// SendCommand sends a command of the DevTools protocol.
func (p *Tab) SendCommand(method string, params any) {
	p.t.Helper()
	if err := p.callMethod(p.session, method, params, nil); err != nil {
		p.t.Fatal(err)
	}
}

// ReportTo has the tab fail another test from now on, such as a part of the one that opened it.
func (p *Tab) ReportTo(t testing.TB) { p.t = t }

// RunScript runs a script and returns its value.
func RunScript[T any](p *Tab, script string) T {
	p.t.Helper()
	value, err := tryScript[T](p, script)
	if err != nil {
		p.t.Fatal(err)
	}
	return value
}

func tryScript[T any](p *Tab, script string) (T, error) {
	var answer struct {
		Result struct {
			Value T `json:"value"`
		} `json:"result"`
		ExceptionDetails json.RawMessage `json:"exceptionDetails"`
	}
	err := p.callMethod(p.session, "Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true, "awaitPromise": true},
		&answer)
	if err == nil && answer.ExceptionDetails != nil {
		err = fmt.Errorf("%s: %s", script, answer.ExceptionDetails)
	}
	return answer.Result.Value, err
}

// WaitUntil waits for a condition, which may fail while the page changes.
func (p *Tab) WaitUntil(condition string) {
	p.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		is, err := tryScript[bool](p, "Boolean("+condition+")")
		if is && err == nil {
			return
		}
		if !time.Now().Before(deadline) {
			p.t.Fatalf("%s did not become true (%v); the page complains: %q", condition, err, p.ListComplaints())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// PressKey presses a key where the focus is.
func (p *Tab) PressKey(name string) {
	p.t.Helper()
	codes := map[string]int{"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "End": 35, "Home": 36, " ": 32,
		".": 190, ",": 188, "Escape": 27, "Enter": 13, "Tab": 9, "/": 191}
	down := "rawKeyDown"
	text := map[string]string{"Enter": "\r", " ": " "}[name]
	if text != "" {
		down = "keyDown" // what buttons act on
	}
	for _, kind := range []string{down, "keyUp"} {
		p.SendCommand("Input.dispatchKeyEvent", map[string]any{
			"type": kind, "text": text, "key": name, "code": name, "windowsVirtualKeyCode": codes[name],
		})
	}
}

// MoveMouse moves the mouse to a place in the window.
func (p *Tab) MoveMouse(x, y float64) {
	p.t.Helper()
	p.SendCommand("Input.dispatchMouseEvent", map[string]any{"type": "mouseMoved", "x": x, "y": y})
}

// ClickAt presses the button there, too.
func (p *Tab) ClickAt(x, y float64) {
	p.t.Helper()
	p.MoveMouse(x, y)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.SendCommand("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1})
	}
}

// Box is where an element is in the window.
type Box struct{ X, Y, Width, Height float64 }

// FindBox scrolls to an element.
func (p *Tab) FindBox(selector string) Box {
	p.t.Helper()
	return RunScript[Box](p, fmt.Sprintf(`(async () => {
		const e = document.querySelector(%q); e.scrollIntoView({block: "center", behavior: "instant"});
		for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame); // until the scroll event is over
		const b = e.getBoundingClientRect(); return {X: b.x, Y: b.y, Width: b.width, Height: b.height}; })()`, selector))
}

// ClickOn clicks into the middle of an element.
func (p *Tab) ClickOn(selector string) {
	p.t.Helper()
	b := p.FindBox(selector)
	p.ClickAt(b.X+b.Width/2, b.Y+b.Height/2)
}

// TakePicture is a PNG of the window, or of the whole page.
func (p *Tab) TakePicture(whole bool) []byte {
	p.t.Helper()
	var answer struct {
		Data string `json:"data"`
	}
	if err := p.callMethod(p.session, "Page.captureScreenshot", map[string]any{"captureBeyondViewport": whole}, &answer); err != nil {
		p.t.Fatal(err)
	}
	picture, err := base64.StdEncoding.DecodeString(answer.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	return picture
}
