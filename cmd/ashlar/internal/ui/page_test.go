package ui

import (
	"encoding/json"
	"flag"
	"fmt"
	"github.com/ashlar-dev/ashlar/plugins/clustermap"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/test/chromium"
)

var pictures = flag.String("pictures", "", "folder that pictures of the page are written into")

// serveFeed serves a page for a test. Questions are asked of the example.
func serveFeed(t testing.TB, cluster string, feed *mapFeed, drawer *clusterDrawer) string {
	t.Helper()
	t.Setenv(asProgram, "1") // for the processes that are asked
	server := newServer(cluster, feed, newAsker(os.Args[0], []string{"--snapshot=" + exampleFile}))
	server.drawer = drawer
	served := httptest.NewServer(server.makeRoutes())
	t.Cleanup(func() { close(server.done); served.Close() })
	return served.URL
}

func serveExample(t testing.TB) (address string, feed *mapFeed) {
	t.Helper()
	feed, drawer := newFeed(), newDrawer()
	if err := drawSnapshot(exampleFile, feed, drawer.drawAll); err != nil {
		t.Fatal(err)
	}
	return serveFeed(t, "prod-eu-1", feed, drawer), feed
}

func textOf(p *chromium.Tab, selector string) string {
	return chromium.RunScript[string](p, fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ""`, selector))
}

func focused(p *chromium.Tab) string {
	return chromium.RunScript[string](p, `document.activeElement.id || document.activeElement.className || document.activeElement.tagName`)
}

func wantText(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), part) {
			t.Errorf("%s has no %q: %s", what, part, text)
		}
	}
}

// Everything can be done with keys alone.
func TestKeyboard(t *testing.T) {
	browser := chromium.StartBrowser(t)
	address, feed := serveExample(t)
	p := browser.OpenAddress(t, address, "/", chromium.Screen{Width: 1280, Height: 900})
	wantText(t, "the totals", textOf(p, "#totals"), "of 48", "Waiting pods 2", "7 nodes, 1 cordoned")

	p.PressKey("Tab")
	if got := focused(p); got != "skip" {
		t.Errorf("first is %q, want the link to the map", got)
	}
	for i := 0; focused(p) != "tiles"; i++ {
		if i > 12 {
			t.Fatal("the map is not reached by Tab")
		}
		p.PressKey("Tab")
	}
	p.PressKey("ArrowRight")
	p.WaitUntil(`document.getElementById("said").textContent.includes("h100-1")`)
	wantText(t, "what is said", textOf(p, "#said"), "GPU 0 of 8", "inference/embed-0 MIG 3g.40gb", "notebooks/anna MIG 1g.10gb")
	p.PressKey("Enter")
	if got := focused(p); got != "detail-title" {
		t.Errorf("Enter leads to %q, want the node", got)
	}
	// What begins at the first slice is drawn there.
	if got := chromium.RunScript[string](p, `document.querySelector("#detail .bar i").style.left`); got != "0%" {
		t.Errorf("the first slice is drawn at %q", got)
	}
	wantText(t, "the node", textOf(p, "#detail"), "h100-1", "gpu.ashlar.dev", "inference/llama-70b-0 all of it",
		"inference/embed-0 MIG 3g.40gb")
	for i := 0; focused(p) != "SUMMARY"; i++ {
		if i > 5 {
			t.Fatal("the links are not reached by Tab")
		}
		p.PressKey("Tab")
	}
	p.PressKey("Enter")
	p.WaitUntil(`document.querySelector("#detail .links").open`)
	wantText(t, "the links", textOf(p, "#detail .links"), "NV18")
	p.PressKey("Escape")
	if got := focused(p); got != "tiles" || !chromium.RunScript[bool](p, `document.getElementById("detail").hidden`) {
		t.Errorf("Escape leads to %q, want the map", got)
	}

	p.PressKey("/")
	if got := focused(p); got != "find" {
		t.Errorf("/ leads to %q, want the search", got)
	}
	p.SendCommand("Input.insertText", map[string]any{"text": "vllm-8b"})
	p.WaitUntil(`document.getElementById("found").innerText.includes("on 1 node, 5 holdings")`)
	p.PressKey("Enter")
	p.WaitUntil(`document.getElementById("said").textContent.includes("l40s-1")`)

	for i := 0; chromium.RunScript[string](p, `document.activeElement.parentElement.className`) != "pod"; i++ {
		if i > 6 {
			t.Fatal("the waiting pods are not reached by Tab")
		}
		p.PressKey("Tab")
	}
	p.PressKey("Enter")
	p.WaitUntil(`document.querySelector(".pod[open] .why")?.innerText.includes("GPUs free")`)
	wantText(t, "why it waits", textOf(p, ".pod[open]"), "have fewer than 8 GPUs free", "held by batch/render-1")

	// What changes shows without a word of the reader's, and where the focus is it stays.
	before := focused(p)
	change, _, _ := feed.changesSince(0)
	for _, text := range change.Nodes {
		var node clustermap.Node
		if err := json.Unmarshal(text, &node); err != nil {
			t.Fatal(err)
		}
		if node.Name == "l40s-2" {
			node.GPUs[7].Holders = []clustermap.Holder{{Namespace: "batch", Pod: "new-0", Form: clustermap.FormWhole, Bytes: node.GPUs[7].Memory}}
			node.GPUs[7].FreeMemory = 0
			raw, err := json.Marshal(node)
			if err != nil {
				t.Fatal(err)
			}
			feed.applyUpdate(&pictureUpdate{Nodes: map[string]json.RawMessage{node.Name: raw}})
		}
	}
	from := time.Now()
	p.WaitUntil(fmt.Sprintf(`document.documentElement.dataset.version === "%d"`, change.Version+1))
	if took := time.Since(from); took > mostLatency {
		t.Errorf("a change took %s", took)
	}
	if got := focused(p); got != before {
		t.Errorf("a change moved the focus from %q to %q", before, got)
	}
	feed.setTrouble("the API server is gone")
	p.WaitUntil(`document.getElementById("live").innerText === "the API server is gone"`)
	if got := p.ListComplaints(); len(got) > 0 {
		t.Errorf("the page complains: %q", got)
	}
}

// What if is answered by form.
func TestAskWhatif(t *testing.T) {
	browser := chromium.StartBrowser(t)
	address, _ := serveExample(t)
	p := browser.OpenAddress(t, address, "/", chromium.Screen{Width: 1280, Height: 900})
	ask := func(kind, fields string) string {
		t.Helper()
		chromium.RunScript[any](p, fmt.Sprintf(`(() => { const f = document.getElementById("ask");
			document.getElementById("answer").replaceChildren();
			document.querySelector("#ask [value=%s]").click(); %s; document.getElementById("ask-now").click(); })()`, kind, fields))
		p.WaitUntil(`document.getElementById("answer").innerText && !document.getElementById("ask-now").disabled`)
		return textOf(p, "#answer")
	}
	wantText(t, "a model", ask("model", `f.elements.model.value = "meta-llama/Llama-3.1-8B-Instruct"; f.elements.copies.value = 2`),
		"Every pod fits", "what-if-1", "what-if-2", "GPU")
	p.WaitUntil(`document.getElementById("found").innerText === "outlined: where they would go"`)
	wantText(t, "GPUs", ask("gpu", `f.elements.count.value = 9`),
		"0 of 2 pods fit, 2 would wait", "what-if-1, what-if-2 wait", "fewer than 9 GPUs")
	wantText(t, "a slice", ask("mig", `f.elements.profile.value = "1g.10gb"; f.elements.count.value = 1`), "Every pod fits", "1g.10gb")
	wantText(t, "a share", ask("share", `f.elements.memory.value = 16`), "Every pod fits", "16GiB")
	wantText(t, "a manifest", ask("manifest", `f.elements.manifest.value = "kind: Nothing"`), "No answer")
	if got := p.ListComplaints(); len(got) > 1 { // the answer to what cannot be read is one of them
		t.Errorf("the page complains: %q", got)
	}
}

// Pages fit the screen, say what they are, and name all that can be used.
func TestScreens(t *testing.T) {
	browser := chromium.StartBrowser(t)
	address, _ := serveExample(t)
	for name, screen := range map[string]chromium.Screen{
		"desktop-light": {Width: 1280, Height: 860}, "desktop-dark": {Width: 1280, Height: 860, Dark: true},
		"phone-light": {Width: 390, Height: 844}, "phone-dark": {Width: 390, Height: 844, Dark: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := browser.OpenAddress(t, address, "/", screen)
			p.ReportTo(t)
			if *pictures != "" {
				chromium.RunScript[any](p, `document.querySelector(".tiles").focus()`)
				p.PressKey("ArrowRight")
				if screen.Width > 1000 {
					p.PressKey("Enter")
				}
				chromium.RunScript[any](p, `document.activeElement.blur(); scrollTo(0, 0)`)
				for part, whole := range map[string]bool{"": false, "-whole": true} {
					if err := os.WriteFile(filepath.Join(*pictures, "ui-"+name+part+".png"), p.TakePicture(whole), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, kind := range []string{"model", "gpu", "mig", "share", "manifest"} {
				chromium.RunScript[any](p, fmt.Sprintf(`document.querySelector("#ask [value=%s]").click()`, kind))
				if got := chromium.RunScript[int](p, `document.documentElement.scrollWidth`); got > screen.Width {
					t.Errorf("the page is %d wide on a screen of %d", got, screen.Width)
				}
			}
			unnamed := chromium.RunScript[[]string](p, `[...document.querySelectorAll(
				"button, select, input, textarea, [tabindex='0']")].filter((e) => !e.getAttribute("aria-label") &&
				 !e.getAttribute("aria-labelledby") && !e.innerText.trim() && !e.closest("label")).map((e) => e.outerHTML.slice(0, 80))`)
			if len(unnamed) > 0 {
				t.Errorf("without a name: %q", unnamed)
			}
			want := map[bool]string{false: "rgb(251, 251, 252)", true: "rgb(18, 21, 26)"}[screen.Dark]
			if got := chromium.RunScript[string](p, `getComputedStyle(document.body).backgroundColor`); got != want {
				t.Errorf("the page is %s, want %s", got, want)
			}
			p.SendCommand("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-reduced-motion",
				"value": "reduce"}}})
			if got := chromium.RunScript[int](p, `document.getAnimations().length`); got > 0 {
				t.Errorf("%d things move where nothing should", got)
			}
			if got := p.ListComplaints(); len(got) > 0 {
				t.Errorf("the page complains: %q", got)
			}
		})
	}
}

// Names that try to break out are shown, and do nothing.
func TestHostileNames(t *testing.T) {
	browser := chromium.StartBrowser(t)
	for i, name := range []string{
		`</script><script>document.title="broken";alert(1)</script>`, `"><img src=x onerror="document.title='broken'">`,
		`<svg onload=document.title='broken'>`, "a\nevent: change\ndata: {}\n\n", "\u202e\x00\u2028😀",
		strings.Repeat("10 kB 😀", 1000), "__proto__",
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			feed := newFeed()
			tile := clustermap.Node{Name: name, Source: name, Ready: true, Links: [][]string{{name, name}, {name, name}}}
			for g := range 2 {
				tile.GPUs = append(tile.GPUs, clustermap.GPU{Index: int64(g), Product: name, Memory: 80 << 30, Healthy: true, LargestSlice: name,
					Profiles: []string{name},
					Holders:  []clustermap.Holder{{Namespace: name, Pod: name, Form: clustermap.FormMIG, Profile: name, Bytes: 1 << 30}}})
			}
			node, err := json.Marshal(tile)
			if err != nil {
				t.Fatal(err)
			}
			waiting, err := json.Marshal([]clustermap.WaitingPod{{Namespace: name, Name: name, Reason: name}})
			if err != nil {
				t.Fatal(err)
			}
			notes, err := json.Marshal([]string{name})
			if err != nil {
				t.Fatal(err)
			}
			feed.applyUpdate(&pictureUpdate{Nodes: map[string]json.RawMessage{name: node}, Waiting: waiting, Notes: notes})
			p := browser.OpenAddress(t, serveFeed(t, "Title "+name, feed, newDrawer()), "/", chromium.Screen{Width: 390, Height: 800})
			p.ReportTo(t)
			chromium.RunScript[any](p, `document.querySelector(".tiles").focus()`)
			p.PressKey("ArrowRight")
			p.PressKey("Enter")
			p.WaitUntil(`document.querySelector("#detail .gpus")`)
			if got := chromium.RunScript[string](p, "document.title"); !strings.HasPrefix(got, "Ashlar: Title ") {
				t.Errorf("title %q", got)
			}
			if got := chromium.RunScript[int](p, `document.scripts.length * 100 + document.images.length +
				 document.querySelectorAll("svg, iframe").length`); got != 100 {
				t.Errorf("something got into the page: %d", got)
			}
			if got := chromium.RunScript[int](p, `document.documentElement.scrollWidth`); got > 390 {
				t.Errorf("the page is %d wide", got)
			}
			if got := p.ListComplaints(); len(got) > 0 {
				t.Errorf("the page complains: %q", got)
			}
		})
	}
}

// A thousand nodes are drawn and changed without the page standing still.
func TestManyNodesPage(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand nodes are left out of -short")
	}
	browser := chromium.StartBrowser(t)
	feed := newFeed()
	made := &pictureUpdate{Nodes: map[string]json.RawMessage{}, Waiting: json.RawMessage("[]"), Notes: json.RawMessage("[]")}
	for i := range manyNodes {
		made.Nodes[nodeName(i)] = tileOf(t, i, 0)
	}
	feed.applyUpdate(made)
	p := browser.OpenAddress(t, serveFeed(t, "large", feed, newDrawer()), "/", chromium.Screen{Width: 1280, Height: 900})
	took := chromium.RunScript[float64](p, `(async () => { const box = document.querySelector(".tiles"), from = performance.now();
		for (let i = 0; i < 40; i++) { box.scrollTop = i * 20; await new Promise(requestAnimationFrame); }
		return (performance.now() - from) / 40; })()`)
	t.Logf("%.1f ms a frame while it scrolls", took)
	if took > 200 {
		t.Errorf("%.1f ms a frame", took)
	}
	for round := 1; round <= 3; round++ {
		change := &pictureUpdate{Nodes: map[string]json.RawMessage{}}
		for i := range 50 {
			change.Nodes[nodeName(i*20)] = tileOf(t, i*20, round)
		}
		from := time.Now()
		feed.applyUpdate(change)
		p.WaitUntil(fmt.Sprintf(`document.documentElement.dataset.version === "%d"`, round+1))
		took := time.Since(from)
		t.Logf("50 nodes changed: shown after %s", took.Round(time.Millisecond))
		if took > mostLatency {
			t.Errorf("50 changed nodes are shown after %s", took)
		}
	}
}

// tileOf is some node of a large cluster, in a round of changes.
func tileOf(t testing.TB, i, round int) json.RawMessage {
	t.Helper()
	tile := clustermap.Node{Name: nodeName(i), Source: "gpu.ashlar.dev", Ready: true}
	for g := range 8 {
		gpu := clustermap.GPU{Index: int64(g), Product: "NVIDIA H100 80GB HBM3", Memory: 80 << 30, Slices: 8, Healthy: true}
		if (i+g+round)%3 > 0 {
			gpu.Holders = []clustermap.Holder{{Namespace: fmt.Sprintf("team-%d", i%12), Pod: fmt.Sprintf("pod-%d-%d", i, g),
				Form: clustermap.FormWhole, Bytes: 80 << 30}}
		} else {
			gpu.FreeMemory = gpu.Memory
		}
		tile.GPUs = append(tile.GPUs, gpu)
	}
	raw, err := json.Marshal(tile)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
