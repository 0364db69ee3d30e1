package browser

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/openb"
	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
	"github.com/ashlar-dev/ashlar/simulator/report"
	"github.com/ashlar-dev/ashlar/test/chromium"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/forecast"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
	"github.com/google/go-cmp/cmp"
)

var pictures = flag.String("pictures", "", "folder that pictures of the report are written into")

func pageOf(t testing.TB, title string, runs ...report.Run) []byte {
	t.Helper()
	var page bytes.Buffer
	if err := report.Write(&page, title, runs); err != nil {
		t.Fatal(err)
	}
	return page.Bytes()
}

// small is a result made by hand, of which every square is known: two nodes with GPUs,
// one without, three frames.
func small(names ...string) *simulator.Result {
	r := &simulator.Result{
		End: 2 * simulator.Hour, GPUs: 3,
		Nodes: []simulator.NodeResult{
			{Name: names[0], Models: []string{"A30-24GB", "A30-24GB"}, MemorySlices: []int64{4, 4}, Domain: -1},
			{Name: names[1], Models: []string{"L4"}, MemorySlices: []int64{0}, Domain: 3},
			{Name: names[2], Domain: -1},
		},
		Snapshots: []simulator.StateSnapshot{
			{At: 0, Views: []simulator.GPUView{{Node: 0, GPUs: "- w1"}, {Node: 1, GPUs: "s250=0,500=1"}, {Node: 2, GPUs: "j3"}}},
			{At: simulator.Hour, Views: []simulator.GPUView{{Node: 0, GPUs: "m0:2=0,2:1=1 -"}, {Node: 1, GPUs: "d -"}}},
			{At: 2 * simulator.Hour, Views: []simulator.GPUView{{Node: 0, GPUs: "x"}, {Node: 1, GPUs: "w0"}}},
		},
	}
	for i := range 2 {
		r.Classes = append(r.Classes, simulator.ClassResult{Name: names[3+i], Jobs: simulator.JobCounts{Arrived: int64(9 - i)},
			Waits: simulator.Distribution{Count: 9, P50: simulator.Second, P90: simulator.Minute, P99: simulator.Hour, Max: simulator.Hour}})
	}
	for i := range 3 {
		r.Samples = append(r.Samples, simulator.Sample{At: simulator.Time(i) * simulator.Hour, GPUs: 3, Allocated: int64(i) * 1000, Waiting: 7})
	}
	return r
}

// colours counts the pixels of the map by colour, on a copy: a canvas that is read back is
// drawn in another way.
const colours = `(() => { const c = document.querySelector(".tiles canvas"), copy = document.createElement("canvas"), n = {};
	copy.width = c.width; copy.height = c.height;
	const context = copy.getContext("2d", {willReadFrequently: true});
	context.drawImage(c, 0, 0);
	const d = context.getImageData(0, 0, c.width, c.height).data;
	for (let i = 0; i < d.length; i += 4) if (d[i + 3] === 255) {
		const k = "#" + [d[i], d[i + 1], d[i + 2]].map((x) => x.toString(16).padStart(2, "0")).join("");
		n[k] = (n[k] ?? 0) + 1;
	}
	return n; })()`

const (
	inference = "#332288" // of the class with the most jobs
	training  = "#44aa99"
	free      = "#e4e8ed"
)

// choose chooses an option of a select.
func choose(p *chromium.Tab, id, value string) {
	chromium.RunScript[any](p, fmt.Sprintf(`(() => { const s = document.getElementById(%q); s.value = %q;
		s.dispatchEvent(new Event("change")); })()`, id, value))
}

func tip(p *chromium.Tab) string {
	return chromium.RunScript[string](p, `document.getElementById("tip").hidden ? "" :
		[...document.getElementById("tip").children].map((e) => e.innerText.replace(/\s+/g, " ").trim()).join(" | ")`)
}

func text(p *chromium.Tab, selector string) string {
	return chromium.RunScript[string](p, fmt.Sprintf(`document.querySelector(%q).innerText`, selector))
}

func TestReport(t *testing.T) {
	p := chromium.StartBrowser(t).OpenPage(t, pageOf(t, "Two nodes",
		report.Run{Name: "fgd", Result: small("n-0", "n-1", "n-2", "inference", "training")},
		report.Run{Name: "random", Result: small("n-0", "n-1", "n-2", "inference", "training")}), chromium.Screen{Width: 1200, Height: 900})

	t.Run("curves", func(t *testing.T) {
		if got := chromium.RunScript[float64](p, `document.querySelectorAll("path.line").length`); got != float64(2*(5+2)) {
			t.Fatalf("got = %v, want %v", got, float64(2*(5+2)))
		}
		// 0, 33 and 67 % of the GPUs: three points on a straight line upwards.
		d := chromium.RunScript[string](p, `document.querySelector("#chart-allocated path.line").getAttribute("d")`)
		var x, y [3]float64
		_, err := fmt.Sscanf(strings.NewReplacer("M", "", "L", " ").Replace(d), "%f %f %f %f %f %f", &x[0], &y[0], &x[1], &y[1], &x[2], &y[2])
		if err != nil {
			t.Fatalf("%v: %v", d, err)
		}
		if math.Abs(x[2]-x[1]-(x[1]-x[0])) > 0.2 {
			t.Fatalf("x[2] - x[1] = %v, want %v within %v", x[2]-x[1], x[1]-x[0], 0.2)
		}
		if math.Abs(y[1]-y[2]-(y[0]-y[1])) > 0.2 {
			t.Fatalf("y[1] - y[2] = %v, want %v within %v", y[1]-y[2], y[0]-y[1], 0.2)
		}
		if y[0] <= y[2] {
			t.Fatalf("y[0] = %v, want more than %v", y[0], y[2])
		}
		if got := text(p, "#chart-allocated"); !strings.Contains(got, "% of GPUs") {
			t.Fatalf("%q does not contain %q", got, "% of GPUs")
		}

		b := p.FindBox("#chart-allocated")
		p.MoveMouse(b.X+b.Width-20, b.Y+b.Height/2)
		if got := tip(p); got != "2h | fgd 66.7 % | random 66.7 %" {
			t.Fatalf("tip(p) = %q, want %q", got, "2h | fgd 66.7 % | random 66.7 %")
		}
		p.ClickOn("#legend button:first-child")
		if got := chromium.RunScript[string](p, `document.querySelector("#legend button").getAttribute("aria-pressed")`); got != "false" {
			t.Fatalf("got = %q, want %q", got, "false")
		}
		if got := chromium.RunScript[float64](p, `document.querySelectorAll("path.line").length`); got != float64(7) {
			t.Fatalf("got = %v, want %v", got, float64(7))
		}
		p.ClickOn("#legend button:first-child")
		if got := chromium.RunScript[float64](p, `document.querySelectorAll("path.line").length`); got != float64(14) {
			t.Fatalf("got = %v, want %v", got, float64(14))
		}

		p.FindBox("#chart-waits-0")
		chromium.RunScript[any](p, `document.querySelector("#chart-waits-0 svg").focus()`)
		p.PressKey("End")
		if got := tip(p); got != "all of the jobs | fgd 1h | random 1h" {
			t.Fatalf("tip(p) = %q, want %q", got, "all of the jobs | fgd 1h | random 1h")
		}
		if got := chromium.RunScript[string](p, `document.getElementById("said").textContent`); !strings.Contains(got, "fgd 1h") {
			t.Fatalf("%q does not contain %q", got, "fgd 1h")
		}
	})

	t.Run("slider", func(t *testing.T) {
		p.FindBox("#map")
		chromium.RunScript[any](p, `document.getElementById("map-time").focus()`)
		p.PressKey("Home")
		if got := text(p, ".held"); got != "1.8 of 3 GPUs held (58.3 %) · 3 jobs on nodes without GPUs" {
			t.Fatalf("text(p, \".held\") = %q, want %q", got, "1.8 of 3 GPUs held (58.3 %) · 3 jobs on nodes without GPUs")
		}
		first := chromium.RunScript[map[string]int](p, colours)
		side := sideOf(t, first)
		if got := float64(first[training]) / side; math.Abs(got-1.5) > 0.1 {
			t.Fatalf("float64(first[training]) / side = %v, want %v within %v", got, 1.5, 0.1)
		}
		if got := float64(first[inference]) / side; math.Abs(got-0.25) > 0.1 {
			t.Fatalf("float64(first[inference]) / side = %v, want %v within %v", got, 0.25, 0.1)
		}

		p.PressKey("ArrowRight")
		if got := text(p, "#map-at"); got != "1h" {
			t.Fatalf("text(p, \"#map-at\") = %q, want %q", got, "1h")
		}
		if got := text(p, ".held"); got != "0.8 of 3 GPUs held (25.0 %) · 1 draining · 3 jobs on nodes without GPUs" {
			t.Fatalf("text(p, \".held\") = %q, want %q", got, "0.8 of 3 GPUs held (25.0 %) · 1 draining · 3 jobs on nodes without GPUs")
		}
		second := chromium.RunScript[map[string]int](p, colours)
		if got := float64(second[training]) / side; math.Abs(got-0.25) > 0.1 {
			t.Fatalf("float64(second[training]) / side = %v, want %v within %v", got, 0.25, 0.1)
		}
		if got := float64(second[inference]) / side; math.Abs(got-0.5) > 0.1 {
			t.Fatalf("float64(second[inference]) / side = %v, want %v within %v", got, 0.5, 0.1)
		}
		if got := float64(second[free]) / side; math.Abs(got-2.25) > 0.15 {
			t.Fatalf("float64(second[free]) / side = %v, want %v within %v", got, 2.25, 0.15)
		}
		if second["#c77700"] == 0 {
			t.Fatal("the draining node has a frame: no second[\"#c77700\"]")
		}

		p.PressKey("End")
		if got := text(p, ".held"); got != "1 of 1 GPUs held (100.0 %) · 1 node down · 3 jobs on nodes without GPUs" {
			t.Fatalf("text(p, \".held\") = %q, want %q", got, "1 of 1 GPUs held (100.0 %) · 1 node down · 3 jobs on nodes without GPUs")
		}
		third := chromium.RunScript[map[string]int](p, colours)
		if third[training] != 0 {
			t.Fatalf("third[training] = %v, want none", third[training])
		}
		if got := float64(third[inference]) / side; math.Abs(got-1) > 0.05 {
			t.Fatalf("float64(third[inference]) / side = %v, want %v within %v", got, 1, 0.05)
		}
		if third[free] != 0 {
			t.Fatalf("third[free] = %v, want none", third[free])
		}

		p.PressKey("Home") // and back
		if diff := cmp.Diff(first, chromium.RunScript[map[string]int](p, colours)); diff != "" {
			t.Fatalf("chromium.RunScript[map[string]int](p, colours) (-want +got):\n%s", diff)
		}
		shown := chromium.RunScript[string](p, `document.getElementById("map-time").getAttribute("aria-valuetext")`)
		if got := strings.Replace(shown, "0 ", "0s ", 1); got != "0s after the start" {
			t.Fatalf("got = %q, want %q", got, "0s after the start")
		}
	})

	t.Run("who holds what, by key", func(t *testing.T) {
		chromium.RunScript[any](p, `document.querySelector(".tiles").focus()`)
		for _, want := range []string{
			"n-0 | GPU 0 of 2 · A30-24GB | free all of it",
			"n-0 | GPU 1 of 2 · A30-24GB | training all of it",
			"n-1 | GPU 0 of 1 · L4 · domain 3 | inference share of 25 % | training share of 50 % | free 25 %",
			"n-2 | no GPUs · 3 jobs",
		} {
			p.PressKey("ArrowRight")
			p.WaitUntil(fmt.Sprintf(`document.getElementById("tip").innerText.includes(%q)`, strings.Split(want, " | ")[1]))
			if got := tip(p); got != want {
				t.Fatalf("tip(p) = %q, want %q", got, want)
			}
		}
		p.PressKey("Home")
		p.PressKey(".")
		p.WaitUntil(`document.getElementById("tip").innerText.includes("MIG")`)
		if got := tip(p); got != "n-0 | GPU 0 of 2 · A30-24GB | inference MIG slices 0–1 of 4 | training MIG slice 2 of 4 | free 25 %" {
			t.Fatalf("tip(p) = %q, want %q",
				got, "n-0 | GPU 0 of 2 · A30-24GB | inference MIG slices 0–1 of 4 | training MIG slice 2 of 4 | free 25 %")
		}
		p.PressKey(".")
		p.WaitUntil(`document.getElementById("tip").innerText.includes("down")`)
		if got := tip(p); got != "n-0 | GPU 0 of 2 · A30-24GB | down" {
			t.Fatalf("tip(p) = %q, want %q", got, "n-0 | GPU 0 of 2 · A30-24GB | down")
		}
		p.PressKey(",")
		p.PressKey(",")
		p.PressKey("Escape")
		if got := tip(p); got != "" {
			t.Fatalf("tip(p) = %v, want none", got)
		}
	})

	t.Run("who holds what, by mouse", func(t *testing.T) {
		b := p.FindBox(".tiles")
		seen := map[string]bool{}
		for y := 8.0; y < min(b.Height, 400); y += 12 {
			for x := 10.0; x < 120; x += 12 {
				p.MoveMouse(b.X+x, b.Y+y)
				seen[tip(p)] = true
			}
		}
		if _, found := seen["n-0 | GPU 1 of 2 · A30-24GB | training all of it"]; !found {
			t.Fatalf("%v does not contain %v", seen, "n-0 | GPU 1 of 2 · A30-24GB | training all of it")
		}
		if _, found := seen["n-2 | no GPUs · 3 jobs"]; !found {
			t.Fatalf("%v does not contain %v", seen, "n-2 | no GPUs · 3 jobs")
		}
		if len(seen) != 5 {
			t.Fatalf("four squares, and nothing between them: %v: len(seen) = %d, want %d: %v", seen, len(seen), 5, seen)
		}
	})

	t.Run("colour by use", func(t *testing.T) {
		choose(p, "map-colour", "use")
		now := chromium.RunScript[map[string]int](p, colours)
		if now[training] != 0 {
			t.Fatalf("now[training] = %v, want none", now[training])
		}
		if now["#08417f"] == 0 {
			t.Fatal("no now[\"#08417f\"]")
		}
		choose(p, "map-colour", "class")
	})

	t.Run("two policies", func(t *testing.T) {
		choose(p, "map-other", "1")
		p.WaitUntil(`document.querySelectorAll(".tiles").length === 2 && document.querySelectorAll(".held")[1].innerText`)
		if got := chromium.RunScript[string](p, `document.querySelectorAll(".panel h3")[1].innerText`); got != "random" {
			t.Fatalf("got = %q, want %q", got, "random")
		}
		choose(p, "map-other", "")
		p.WaitUntil(`document.querySelectorAll(".tiles").length === 1`)
	})

	t.Run("play", func(*testing.T) {
		chromium.RunScript[any](p, `document.getElementById("map-time").focus()`)
		p.PressKey("Home")
		p.ClickOn("#map-play")
		p.WaitUntil(`document.getElementById("map-at").innerText === "2h"`)
		p.WaitUntil(`document.getElementById("map-play").getAttribute("aria-label") === "play"`)
	})

	t.Run("a curve sets the time", func(t *testing.T) {
		b := p.FindBox("#chart-waiting")
		p.ClickAt(b.X+50, b.Y+b.Height/2)
		if got := chromium.RunScript[string](p, `document.getElementById("map-time").value`); got != "0" {
			t.Fatalf("got = %q, want %q", got, "0")
		}
	})

	t.Run("accessible", func(t *testing.T) {
		unnamed := chromium.RunScript[[]string](p, `[...document.querySelectorAll("button, select, input, [tabindex='0']")].filter((e) =>
			!e.getAttribute("aria-label") && !e.getAttribute("aria-labelledby") && !e.innerText.trim() && !e.closest("label")
			).map((e) => e.outerHTML.slice(0, 80))`)
		if len(unnamed) > 0 {
			t.Fatalf("unnamed = %v, want none", unnamed)
		}
		if got := chromium.RunScript[float64](p, `[...document.querySelectorAll("table")].filter((e) => !e.caption).length`); got != float64(0) {
			t.Fatalf("got = %v, want %v", got, float64(0))
		}
		if got := chromium.RunScript[float64](p, `document.querySelectorAll("h1").length`); got != float64(1) {
			t.Fatalf("got = %v, want %v", got, float64(1))
		}
		if got := chromium.RunScript[string](p, `document.documentElement.lang`); got != "en" {
			t.Fatalf("got = %q, want %q", got, "en")
		}
	})
	if got := p.ListComplaints(); len(got) > 0 {
		t.Fatalf("p.ListComplaints() = %v, want none", got)
	}
}

// sideOf is the number of pixels of one square, from the first frame: of GPUs one is
// free, one whole, and one three quarters in use.
func sideOf(t *testing.T, first map[string]int) float64 {
	t.Helper()
	side := float64(first[free]+first[training]+first[inference]) / 3
	if side <= 100.0 {
		t.Fatalf("side = %v, want more than %v", side, 100.0)
	}
	return side
}

// Names that try to break out are shown, and do nothing.
func TestHostileNames(t *testing.T) {
	browser := chromium.StartBrowser(t)
	for i, name := range []string{
		`</script><script>document.title="broken";alert(1)</script>`, `"><img src=x onerror="document.title='broken'">`,
		`<svg onload=document.title='broken'>`, `'-(document.title='broken')-'`, "${document.title='broken'}", "<!--<script>",
		"\u202e\x00\u2028😀", strings.Repeat("10 kB 😀", 1000),
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			p := browser.OpenPage(t, pageOf(t, "Title "+name, report.Run{Name: name, Result: small(name, "1"+name, "2"+name, name, "t"+name)},
				report.Run{Name: "b", Result: small("a", "b", "c", "d", "e")}), chromium.Screen{Width: 600, Height: 800})
			p.ReportTo(t)
			if !strings.HasPrefix(chromium.RunScript[string](p, "document.title"), "Title ") {
				t.Fatal("strings.HasPrefix(chromium.RunScript[string](p, \"document.title\"), \"Title \") is false")
			}
			chromium.RunScript[any](p, `document.querySelector(".tiles").focus()`)
			p.PressKey("ArrowRight")
			p.WaitUntil(`!document.getElementById("tip").hidden`)
			if len(name) < 100 && i < 6 {
				if got := tip(p); !strings.Contains(got, strings.Join(strings.Fields(name), " ")) {
					t.Fatalf("%q does not contain %q", got, strings.Join(strings.Fields(name), " "))
				}
			}
			if got := chromium.RunScript[float64](p, `document.scripts.length`); got != float64(2) {
				t.Fatalf("got = %v, want %v", got, float64(2))
			}
			if got := chromium.RunScript[float64](p, `document.images.length`); got != float64(0) {
				t.Fatalf("got = %v, want %v", got, float64(0))
			}
			if got := chromium.RunScript[float64](p, `document.documentElement.scrollWidth`); got > 600.0 {
				t.Fatalf("the page must not become wider than the window: got = %v, want at most %v", got, 600.0)
			}
			if got := p.ListComplaints(); len(got) > 0 {
				t.Fatalf("p.ListComplaints() = %v, want none", got)
			}
		})
	}
}

// Even a script that got into the page would not run, and nothing would be loaded.
func TestPolicyHolds(t *testing.T) {
	page := bytes.Replace(pageOf(t, "x", report.Run{Name: "a", Result: small("a", "b", "c", "d", "e")}), []byte("</main>"),
		[]byte(`<script>document.title="broken"</script><img src="https://example.com/x.png"></main>`), 1)
	p := chromium.StartBrowser(t).OpenPage(t, page, chromium.Screen{Width: 800, Height: 600})
	if got := chromium.RunScript[string](p, "document.title"); got != "x" {
		t.Fatalf("chromium.RunScript[string](p, \"document.title\") = %q, want %q", got, "x")
	}
	if got := strings.Join(p.ListComplaints(), "\n"); !strings.Contains(got, "Content Security Policy") {
		t.Fatalf("%q does not contain %q", got, "Content Security Policy")
	}
}

// A page as large as the openb trace's cluster is fast enough to be used, on any screen.
func TestLarge(t *testing.T) {
	browser := chromium.StartBrowser(t)
	runs := largeRuns(t)
	page := pageOf(t, "A week of 1,213 nodes", runs...)
	t.Logf("%d bytes", len(page))
	if len(page) >= 3_000_000 {
		t.Fatalf("len(page) = %v, want less than %v", len(page), 3_000_000)
	}
	for _, screen := range []struct {
		name          string
		width, height int
		dark          bool
	}{
		{"desktop", 1280, 900, false}, {"desktop-dark", 1280, 900, true}, {"phone", 390, 844, false}, {"phone-dark", 390, 844, true},
		{"wide", 1920, 1080, false},
	} {
		if testing.Short() && screen.name != "desktop" && screen.name != "phone-dark" {
			continue
		}
		t.Run(screen.name, func(t *testing.T) {
			p := browser.OpenPage(t, page, chromium.Screen{Width: screen.width, Height: screen.height, Dark: screen.dark})
			p.ReportTo(t)
			if got := chromium.RunScript[float64](p, `document.documentElement.scrollWidth`); got > float64(screen.width) {
				t.Fatalf("got = %v, want at most %v", got, float64(screen.width))
			}
			if got := chromium.RunScript[float64](p, `+document.getElementById("map-time").max`); got != float64(100) {
				t.Fatalf("got = %v, want %v", got, float64(100))
			}
			p.FindBox("#map-panels")
			// 60 frames, drawn one after the other.
			took := chromium.RunScript[float64](p, `(async () => { const s = document.getElementById("map-time"), from = performance.now();
				for (let i = 0; i < 60; i++) { s.value = i; s.dispatchEvent(new Event("input")); await new Promise(requestAnimationFrame); }
				return (performance.now() - from) / 60; })()`)
			t.Logf("%.1f ms a frame", took)
			if took >= 500.0 {
				t.Fatalf("took = %v, want less than %v", took, 500.0)
			} // some 30, where nothing else runs
			picturesOf(t, p, screen.name)
			if got := p.ListComplaints(); len(got) > 0 {
				t.Fatalf("p.ListComplaints() = %v, want none", got)
			}
		})
	}
}

// TestPictures only takes pictures, of what the other tests do not show.
func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("no -pictures: nothing to do")
	}
	browser := chromium.StartBrowser(t)
	take := func(p *chromium.Tab, name string, whole bool) {
		if err := os.WriteFile(filepath.Join(*pictures, name+".png"), p.TakePicture(whole), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var runs []report.Run
	for _, chosen := range policy.All() {
		for seed := range int64(5) {
			runs = append(runs, report.Run{Name: chosen.Name(), Seed: seed, Curves: curvesOf(t, chosen, seed)})
		}
	}
	take(browser.OpenPage(t, pageOf(t, "Every policy on the trace openb", runs...), chromium.Screen{Width: 1280, Height: 900}), "openb", true)
	two := pageOf(t, "Two nodes",
		report.Run{Name: "fgd", Result: small("n-0", "node-with-a-longer-name", "n-2", "inference", "training")},
		report.Run{Name: "random", Result: small("n-0", "n-1", "n-2", "inference", "training")})
	p := browser.OpenPage(t, two, chromium.Screen{Width: 1280, Height: 900})
	choose(p, "map-other", "1")
	p.WaitUntil(`document.querySelectorAll(".tiles").length === 2 && document.querySelectorAll(".held")[1].innerText`)
	take(p, "small", true)
	p = browser.OpenPage(t, pageOf(t, "A week", largeRuns(t)...), chromium.Screen{Width: 1280, Height: 900})
	for range 5 {
		p.ClickOn("#map-larger")
	}
	chromium.RunScript[any](p, `document.querySelector(".tiles").scrollTop = 5200`)
	p.FindBox(".tiles")
	take(p, "zoomed", false)
}

// picturesOf writes pictures if they are wanted.
func picturesOf(t *testing.T, p *chromium.Tab, name string) {
	if *pictures == "" {
		return
	}
	write := func(part string, whole bool) {
		if err := os.WriteFile(filepath.Join(*pictures, name+"-"+part+".png"), p.TakePicture(whole), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	chromium.RunScript[any](p, `scrollTo(0, 0)`)
	write("page", true)
	b := p.FindBox("#chart-allocated, #chart-openb-allocated")
	p.MoveMouse(b.X+b.Width*0.6, b.Y+b.Height/2)
	write("curves", false)
	b = p.FindBox(".tiles")
	for x := 0.3; tip(p) == "" && x < 0.4; x += 0.01 {
		p.MoveMouse(b.X+b.Width*x, b.Y+b.Height*x)
	}
	write("map", false)
	p.MoveMouse(1, 1)
}

// largeRuns runs three policies on 1,213 nodes.
func largeRuns(t *testing.T) []report.Run {
	t.Helper()
	var nodes []simulator.Node
	for _, pool := range []struct {
		name, machine string
		count         int
	}{
		{"a100", "dgx-a100", 300}, {"a30", "4xA30-pcie", 313}, {"v100", "aws-p3.16xlarge", 300}, {"a10g", "aws-g5.48xlarge", 200},
		{"cpu", "", 100},
	} {
		var inv *placement.Inventory
		if pool.machine != "" {
			inv = inventoryOf(t, pool.machine)
		}
		for i := range pool.count {
			nodes = append(nodes, simulator.Node{Name: fmt.Sprintf("%s-%04d", pool.name, i), Inventory: inv,
				Host: simulator.Host{CPU: 128_000, Memory: 1024 * topology.GiB}, Domain: placement.NoValue, Price: 1_500_000})
		}
	}
	slices.SortFunc(nodes, func(a, b simulator.Node) int { return strings.Compare(a.Name, b.Name) })
	var runs []report.Run
	for _, name := range []string{"keep-placeable", "spread", "random"} {
		chosen, err := placement.PolicyNamed(name, placement.PriorDemand(), 1)
		if err != nil {
			t.Fatal(err)
		}
		result, err := simulator.Run(&simulator.Input{
			Nodes:         nodes,
			Jobs:          largeJobs(),
			Policy:        chosen,
			Horizon:       7 * simulator.Day,
			SnapshotNodes: 2000,
			Reslice:       5 * simulator.Second,
			Outages: []simulator.Outage{
				{Node: 20, At: simulator.Day, For: 5 * simulator.Day},
				{Node: 21, At: simulator.Day, For: 5 * simulator.Day},
				{Node: 500, At: 2 * simulator.Day, Drain: true, For: 4 * simulator.Day},
			},
		}, simulator.Watch{})
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, report.Run{Name: name, Seed: 1, Result: result})
	}
	return runs
}

func inventoryOf(t *testing.T, name string) *placement.Inventory {
	t.Helper()
	machine, err := catalogue.Default().Machine(name)
	if err != nil {
		t.Fatal(err)
	}
	tables := make([]*mig.Table, len(machine.Node.GPUs))
	for i, gpu := range machine.Node.GPUs {
		if gpu.Model.MIG != "" {
			tables[i], err = catalogue.Default().MIG(gpu.Model.MIG)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	inv, err := placement.NewInventory(machine.Node, placement.NodeDevices(machine.Node, tables), placement.PriorDemand())
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func largeJobs() []simulator.Job {
	ask := func(name string, part placement.Part, accept func(*placement.Device) bool) *simulator.PodTemplate {
		return &simulator.PodTemplate{Name: name, For: func(inv *placement.Inventory) simulator.NodeRequest {
			part := part
			part.Accepts = inv.SelectDevices(accept)
			return simulator.NodeRequest{Request: &placement.Request{Parts: []placement.Part{part}}}
		}}
	}
	whole := func(o *placement.Device) bool { return o.Form == placement.Whole }
	share := func(o *placement.Device) bool { return o.Form == placement.Share }
	instance := func(o *placement.Device) bool {
		return o.Form == placement.MIG && o.Memory >= 9*topology.GiB && o.Memory < 25*topology.GiB
	}
	kinds := []struct {
		class    string
		ask      *simulator.PodTemplate
		weight   int
		runs     simulator.Time
		priority int64
	}{
		{"chat", ask("share 8", placement.Part{Count: 1, Bytes: 8 * topology.GiB}, share), 30, 30 * simulator.Hour, 10},
		{"embedding", ask("mig", placement.Part{Count: 1}, instance), 30, 40 * simulator.Hour, 10},
		{"fine-tuning", ask("1 GPU", placement.Part{Count: 1}, whole), 30, 16 * simulator.Hour, 0},
		{"training", ask("8 GPUs", placement.Part{Count: 8}, whole), 14, 26 * simulator.Hour, 0},
		{"notebooks", ask("share 4", placement.Part{Count: 1, Bytes: 4 * topology.GiB}, share), 40, 10 * simulator.Hour, -5},
		{"data", &simulator.PodTemplate{Name: "CPU"}, 10, 3 * simulator.Hour, 0},
		{"impossible", ask("9 GPUs", placement.Part{Count: 9}, whole), 1, simulator.Hour, 0},
	}
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var jobs []simulator.Job
	for i := range 26_000 {
		at := rng.IntN(total)
		k := kinds[0]
		for _, k = range kinds {
			if at -= k.weight; at < 0 {
				break
			}
		}
		jobs = append(jobs, simulator.Job{
			Name:       fmt.Sprintf("job-%05d", i),
			Class:      k.class,
			Priority:   k.priority,
			Arrives:    simulator.Time(rng.Int64N(int64(6 * simulator.Day))),
			Loads:      simulator.Minute,
			Runs:       simulator.Time(float64(k.runs) * rng.ExpFloat64()),
			Members:    1,
			Host:       simulator.Host{CPU: 2000, Memory: 8 * topology.GiB},
			Template:   k.ask,
			Checkpoint: 15 * simulator.Minute,
			MaxWait:    2 * simulator.Day,
		})
	}
	return jobs
}

// curvesOf repeats a small experiment of 150 nodes.
func curvesOf(t *testing.T, chosen policy.NodePolicy, seed int64) *openb.Result {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	var nodes []policy.NodeCapacity
	var pods []policy.TracePod
	for i := range 150 {
		nodes = append(nodes, policy.NodeCapacity{Name: fmt.Sprintf("n%03d", i), CPU: 96_000, Memory: 400 * topology.GiB, Pods: 1001,
			GPUs: []int64{2, 4, 8}[i%3], Model: "T4"})
	}
	for range 1200 {
		class := forecast.PodClass{CPU: 8000, GPUs: 1, PerGPU: topology.MilliGPU(100 * (1 + rng.IntN(10)))}
		if rng.IntN(10) == 0 {
			class.GPUs, class.PerGPU = []int64{2, 4, 8}[rng.IntN(3)], topology.WholeGPU
		}
		pods = append(pods, policy.TracePod{PodClass: class, Memory: 4 * topology.GiB})
	}
	result, err := (&openb.Experiment{Nodes: nodes, Pods: pods, Policy: chosen, Seed: seed}).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}
