package report

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/openb"
	openbpolicy "github.com/ashlar-dev/ashlar/simulator/openb/policy"
	"github.com/ashlar-dev/ashlar/topology/forecast"
	"github.com/google/go-cmp/cmp"
)

// resultOf is a small result made by hand: two nodes, three frames.
func resultOf(factor simulator.Time) *simulator.Result {
	waits := func(n int64) simulator.Distribution {
		return simulator.Distribution{Count: n, Mean: 90 * simulator.Second * factor, P50: 0,
			P90: simulator.Minute * factor, P99: simulator.Hour * factor, Max: simulator.Day * factor}
	}
	r := &simulator.Result{
		Policy: "keep-placeable", End: 2 * simulator.Hour, Jobs: simulator.JobCounts{Arrived: 10, Finished: 7, Running: 1, Failed: 2},
		All: simulator.ClassResult{Waits: waits(10)},
		Classes: []simulator.ClassResult{
			{Name: "inference", Jobs: simulator.JobCounts{Arrived: 4, Finished: 4}, Waits: waits(4)},
			{Name: "training", Jobs: simulator.JobCounts{Arrived: 6, Finished: 3, Running: 1, Failed: 2,
				Failures: map[simulator.FailureReason]int64{"never fits": 1, "gave up": 1}}, Waits: waits(6), Bandwidth: 0.75, Measured: 2},
		},
		Utilisation: 0.5, StrandedBytes: 40 << 30, GPUs: 3, DollarsPerHour: 9,
		Nodes: []simulator.NodeResult{
			{Name: "n-0", Models: []string{"A30-24GB", "A30-24GB"}, MemorySlices: []int64{4, 4}, Domain: -1},
			{Name: "n-1", Models: []string{"L4"}, MemorySlices: []int64{0}, Domain: 3},
			{Name: "n-2", Domain: -1},
		},
		Snapshots: []simulator.StateSnapshot{
			{At: 0, Views: []simulator.GPUView{{Node: 0, GPUs: "- w1"}, {Node: 1, GPUs: "s250=0,500=1"}, {Node: 2, GPUs: "j3"}}},
			{At: simulator.Hour, Views: []simulator.GPUView{{Node: 0, GPUs: "m0:2=0,2:1=1 -"}, {Node: 1, GPUs: "d -"}, {Node: 2, GPUs: "d j1"}}},
			{At: 2 * simulator.Hour, Views: []simulator.GPUView{{Node: 0, GPUs: "x"}, {Node: 1, GPUs: "w0"}}},
		},
	}
	for i := range 3 {
		r.Samples = append(r.Samples, simulator.Sample{At: simulator.Time(i) * simulator.Hour, GPUs: 3, Allocated: int64(i) * 1000,
			Waiting: int64(factor), StrandedBytes: 1 << 30})
	}
	return r
}

func written(t testing.TB, title string, runs ...Run) string {
	t.Helper()
	var page bytes.Buffer
	if err := Write(&page, title, runs); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// has and lacks look for a text, and do not print the page.
func has(t testing.TB, page, text string) {
	t.Helper()
	if !strings.Contains(page, text) {
		t.Fatalf("the page does not have %.200q", text)
	}
}

func lacks(t testing.TB, page, text string) {
	t.Helper()
	if strings.Contains(page, text) {
		t.Fatalf("the page has %.200q", text)
	}
}

func matches(t testing.TB, page, pattern string) bool {
	t.Helper()
	return regexp.MustCompile(pattern).MatchString(page)
}

// embedded reads back what the page gives to its script.
func embedded(t testing.TB, page string) pageData {
	t.Helper()
	_, after, found := strings.Cut(page, `<script type="application/json" id="data">`)
	if !found {
		t.Fatal("found is false")
	}
	text, _, found := strings.Cut(after, "</script>")
	if !found {
		t.Fatal("found is false")
	}
	var d pageData
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSummary(t *testing.T) {
	page := written(t, "A week", Run{Name: "a", Seed: 1, Result: resultOf(1)}, Run{Name: "a", Seed: 2, Result: resultOf(3)},
		Run{Name: "b", Seed: 1, Result: resultOf(1)})
	has(t, page, "<title>A week</title>")
	if !matches(t, page, `<th scope="row">Wait, p99</th><td>2h<small>1h – 3h</small></td><td class="best">1h</td>`) {
		t.Fatal("got is false")
	}
	// None is best if all are the same.
	if !matches(t, page, `GPU time allocated<small>[^<]*</small></th><td>50\.0 %</td><td>50\.0 %</td>`) {
		t.Fatal("got is false")
	}
	has(t, page, `<td>4 of 12: 2 gave up, 2 never fits</td><td>2 of 6: 1 gave up, 1 never fits</td>`)
	has(t, page, "<td>$9.00</td>")
	lacks(t, page, "openb")
}

// A figure that no run has, or that is all nought where nought means unknown, has no row.
func TestSummaryLeavesOut(t *testing.T) {
	result := resultOf(1)
	result.DollarsPerHour, result.Samples, result.Snapshots = 0, nil, nil
	result.Classes[1].Jobs.Failed = 0
	page := written(t, "", Run{Name: "a", Result: result})
	for _, word := range []string{"per hour", "Stranded", `id="map"`, `id="time"`, "Bold"} {
		lacks(t, strings.Split(page, "<script")[0][strings.Index(page, "<body>"):], word)
	}
	has(t, page, "<h1>Simulation</h1>")
	has(t, page, "No job failed.")
}

func TestCurves(t *testing.T) {
	var runs []Run
	for _, seed := range []int64{1, 2} {
		var nodes []openbpolicy.NodeCapacity
		var pods []openbpolicy.TracePod
		for i := range 8 {
			nodes = append(nodes, openbpolicy.NodeCapacity{Name: fmt.Sprintf("n%d", i), CPU: 64_000, Memory: 1 << 38,
				Pods: 100, GPUs: 2, Model: "T4"})
			pods = append(pods, openbpolicy.TracePod{PodClass: forecast.PodClass{CPU: 1000, GPUs: 1, PerGPU: 700}, Memory: 1 << 30})
		}
		result, err := (&openb.Experiment{Nodes: nodes, Pods: pods, Policy: openbpolicy.FGD{}, Seed: seed}).Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, Run{Name: "fgd", Seed: seed, Curves: result})
	}
	page := written(t, "openb", runs...)
	d := embedded(t, page)
	if len(d.Charts) != 3 {
		t.Fatalf("len(d.Charts) = %d, want %d: %v", len(d.Charts), 3, d.Charts)
	} // one policy is behind nobody
	for _, c := range d.Charts {
		if len(c.Series) != 1 {
			t.Fatalf("len(c.Series) = %d, want %d: %v", len(c.Series), 1, c.Series)
		}
		if len(c.Series[0].X) != openb.ArrivingPercent+1 {
			t.Fatalf("len(c.Series[0].X) = %d, want %d: %v", len(c.Series[0].X), openb.ArrivingPercent+1, c.Series[0].X)
		}
		if len(c.Series[0].Low) != openb.ArrivingPercent+1 {
			t.Fatalf("len(c.Series[0].Low) = %d, want %d: %v", len(c.Series[0].Low), openb.ArrivingPercent+1, c.Series[0].Low)
		}
	}
	want := fiveDigits((runs[0].Curves.At(100).Allocated + runs[1].Curves.At(100).Allocated) / 2)
	if math.Abs(d.Charts[0].Series[0].Y[100]-want) > 1e-9 {
		t.Fatalf("d.Charts[0].Series[0].Y[100] = %v, want %v within %v", d.Charts[0].Series[0].Y[100], want, 1e-9)
	}
	has(t, page, "Allocated at 130 % asked")
	lacks(t, page, `<section id="map"`)
}

// Workloads of which nobody waited are named, not drawn.
func TestNobodyWaited(t *testing.T) {
	result := resultOf(1)
	result.Classes[0].Waits = simulator.Distribution{Count: 4}
	page := written(t, "", Run{Name: "a", Result: result})
	has(t, page, "No wait at all: inference.")
	has(t, page, `id="chart-waits-0"`)
	result.Classes[1].Waits, result.All.Waits = simulator.Distribution{Count: 6}, simulator.Distribution{Count: 10}
	page = written(t, "", Run{Name: "a", Result: result})
	has(t, page, `<p class="about">Nobody waited.</p>`)
	lacks(t, page, `id="chart-waits`)
}

// Runs whose samples are not at the same times are summed up by what was true then.
func TestOverTime(t *testing.T) {
	at := func(times ...simulator.Time) *simulator.Result {
		r := &simulator.Result{}
		for _, t := range times {
			r.Samples = append(r.Samples, simulator.Sample{At: t, Waiting: int64(t)})
		}
		return r
	}
	s := overTime(&policyRuns{runs: []Run{{Result: at(0, 10, 20)}, {Result: at(0, 10, 14)}}},
		func(s *simulator.Sample) float64 { return float64(s.Waiting) })
	if diff := cmp.Diff(chartSeries{X: []float64{0, 10, 14, 20}, Y: []float64{0, 10, 12, 20},
		Low: []float64{0, 10, 10, 20}, High: []float64{0, 10, 14, 20}}, s); diff != "" {
		t.Fatalf("s (-want +got):\n%s", diff)
	}
}

func TestEncode(t *testing.T) {
	result := resultOf(1)
	held, err := encodeStates(result)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"-", "d", "dj1", "j3", "m0:2=0,2:1=1", "s250=0,500=1", "w0", "w1", "x"}, held.Words); diff != "" {
		t.Fatalf("held.Words (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"- - w1 | - s250=0,500=1 | j3",
		"- m0:2=0,2:1=1 - | d - | dj1",
		"x - - | - w0 | dj1",
	}, decoded(t, held, result.Nodes)); diff != "" {
		t.Fatalf("decoded(t, held, result.Nodes) (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{4, 0}, nodesOf(result).Slices); diff != "" {
		t.Fatalf("as the nodes say; an L4 has no MIG: nodesOf(result).Slices (-want +got):\n%s", diff)
	}
}

// Whatever the frames are, what they say can be read back.
func TestEncodeAnything(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		result, want := anyFrames(rng, 1+rng.IntN(20), 1+rng.IntN(10), 0.4)
		held, err := encodeStates(result)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, decoded(t, held, result.Nodes)); diff != "" {
			t.Fatalf("decoded(t, held, result.Nodes) (-want +got):\n%s", diff)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, tile := range map[string]simulator.GPUView{
		"too few GPUs":   {Node: 0, GPUs: "-"},
		"no such node":   {Node: 7, GPUs: "-"},
		"unknown word":   {Node: 1, GPUs: "q1"},
		"markup":         {Node: 1, GPUs: "w</script>"},
		"jobs of a GPU":  {Node: 1, GPUs: "j1"},
		"nothing at all": {Node: 1, GPUs: ""},
	} {
		t.Run(name, func(t *testing.T) {
			result := resultOf(1)
			result.Snapshots[1].Views = []simulator.GPUView{tile}
			err := Write(&bytes.Buffer{}, "", []Run{{Name: "a", Result: result}})
			if err == nil || !strings.Contains(err.Error(), "report: map of a, seed 0: frame 1") {
				t.Fatalf("error %v, want %q", err, "report: map of a, seed 0: frame 1")
			}
		})
	}
}

func TestWriteRefuses(t *testing.T) {
	err := Write(&bytes.Buffer{}, "", nil)
	if err == nil || err.Error() != "report: no runs to show" {
		t.Fatalf("error %v, want %q", err, "report: no runs to show")
	}
	err = Write(&bytes.Buffer{}, "", []Run{{Name: "a", Seed: 3}})
	if err == nil || err.Error() != "report: run a, seed 3 has neither a result nor curves" {
		t.Fatalf("error %v, want %q", err, "report: run a, seed 3 has neither a result nor curves")
	}
	err = Write(full{}, "", []Run{{Name: "a", Result: resultOf(1)}})
	if err == nil || !strings.Contains(err.Error(), "report: write the page: disk full") {
		t.Fatalf("error %v, want %q", err, "report: write the page: disk full")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("disk full") }

func TestSameBytes(t *testing.T) {
	first := written(t, "x", Run{Name: "a", Result: resultOf(1)}, Run{Name: "b", Result: resultOf(2)})
	for range 5 {
		if got := written(t, "x", Run{Name: "a", Result: resultOf(1)}, Run{Name: "b", Result: resultOf(2)}); got != first {
			t.Fatalf("got = %q, want %q", got, first)
		}
	}
}

// hostile are names that would break out of a page that does not take care.
var hostile = []string{
	`</script><script>document.title="broken"</script>`, `"><img src=x onerror=alert(1)>`, `'-alert(1)-'`, `{{.Title}}`, `${alert(1)}`,
	"<!--<script>", "a\u2028b\u2029c", "😀👩‍🚀", "\u202egnp.exe", "\x00\x1b[31m", "\xff\xfe",
	strings.Repeat("long", 2500), "]]>", "</title></style>",
}

func TestHostileNames(t *testing.T) {
	for _, name := range hostile {
		result := resultOf(1)
		for i := range result.Nodes {
			result.Nodes[i].Name = name + fmt.Sprint(i)
			for k := range result.Nodes[i].Models {
				result.Nodes[i].Models[k] = name
			}
		}
		result.Classes[0].Name = name
		result.Classes[1].Jobs.Failures = map[simulator.FailureReason]int64{simulator.FailureReason(name): 1}
		page := written(t, name, Run{Name: name, Result: result}, Run{Name: "b", Result: resultOf(1)})
		if got := strings.Count(page, "<script"); got != 2 {
			t.Fatalf("%.40q: strings.Count(page, \"<script\") = %v, want %v", name, got, 2)
		}
		if got := strings.Count(page, "</script>"); got != 2 {
			t.Fatalf("%.40q: strings.Count(page, \"</script>\") = %v, want %v", name, got, 2)
		}
		if got := strings.Count(page, "<style>"); got != 1 {
			t.Fatalf("%.40q: strings.Count(page, \"<style>\") = %v, want %v", name, got, 1)
		}
		lacks(t, page, "<img")
		lacks(t, page, "<!--")
		lacks(t, page, "\u202e")
		d := embedded(t, page)
		if got, want := d.Policies[0], clipName(name); got != want {
			t.Fatalf("d.Policies[0] = %q, want %q", got, want)
		}
		if len(page) > 150_000 {
			t.Fatalf("len(page) = %v, want at most %v", len(page), 150_000)
		}
	}
}

// The page has no address in it that a browser would load.
func TestSelfContained(t *testing.T) {
	page := written(t, "x", Run{Name: "a", Result: resultOf(1)})
	if matches(t, page, `(?i)\b(src|srcset|action|data-src)=`) {
		t.Fatal("got is true")
	}
	if matches(t, page, `(?i)@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket|innerHTML|insertAdjacent|document\.write|eval\(`) {
		t.Fatal("got is true")
	}
	for _, address := range regexp.MustCompile(`https?://[^"' ]*`).FindAllString(page, -1) {
		if address != "http://www.w3.org/2000/svg" {
			t.Fatalf("address = %q, want %q", address, "http://www.w3.org/2000/svg")
		}
	}
	lacks(t, page, "ZgotmplZ") // what html/template puts for what it does not trust
}

// A page for all nodes of the openb trace and a hundred frames stays below 3 MB, even if
// one GPU in eight changes hands between two frames.
func TestSize(t *testing.T) {
	result, _ := anyFrames(rand.New(rand.NewPCG(1, 1)), 1213, 100, 0.125)
	page := written(t, "x", Run{Name: "a", Result: result})
	t.Logf("%d bytes for %d nodes and %d frames", len(page), len(result.Nodes), len(result.Snapshots))
	if len(page) >= 3_000_000 {
		t.Fatalf("len(page) = %v, want less than %v", len(page), 3_000_000)
	}
}

// anyFrames draws nodes and frames, and says what the nodes hold at each.
func anyFrames(rng *rand.Rand, nodes, frames int, change float64) (*simulator.Result, []string) {
	r := resultOf(1)
	r.Nodes, r.Snapshots = nil, nil
	now := make([]string, nodes)
	for i := range nodes {
		node := simulator.NodeResult{Name: fmt.Sprintf("node-%04d", i)}
		for range rng.IntN(9) {
			node.Models = append(node.Models, []string{"A100-80GB", "T4"}[i%2])
			node.MemorySlices = append(node.MemorySlices, []int64{8, 0}[i%2])
		}
		r.Nodes = append(r.Nodes, node)
	}
	var want []string
	for f := range frames {
		frame := simulator.StateSnapshot{At: simulator.Time(f) * simulator.Hour}
		for i := range nodes {
			words := strings.Fields(now[i])
			text := "x"
			if gpus := len(r.Nodes[i].Models); gpus == 0 {
				text = fmt.Sprintf("j%d", rng.IntN(20))
			} else if f == 0 || rng.IntN(50) > 0 {
				if len(words) != gpus {
					words = make([]string, gpus)
				}
				for k := range words {
					if words[k] == "" || rng.Float64() < change {
						words[k] = []string{"-", "w0", "w1", fmt.Sprintf("s%d=1", 1+rng.IntN(1000)),
							fmt.Sprintf("s%d=0,%d=1", 1+rng.IntN(500), 1+rng.IntN(500)), "m0:4=0,4:2=1", "m6:1=0"}[rng.IntN(7)]
					}
				}
				text = strings.Join(words, " ")
			}
			if text != now[i] {
				now[i] = text
				frame.Views = append(frame.Views, simulator.GPUView{Node: i, GPUs: text})
			}
		}
		r.Snapshots = append(r.Snapshots, frame)
		var state []string
		for i, text := range now {
			words, err := wordsOf(text, len(r.Nodes[i].Models))
			if err != nil {
				panic(err)
			}
			state = append(state, strings.Join(words, " "))
		}
		want = append(want, strings.Join(state, " | "))
	}
	return r, want
}

// decoded reads frames back as page.js does.
func decoded(t testing.TB, held *heldOver, nodes []simulator.NodeResult) []string {
	t.Helper()
	raw := inflate(t, held.Frames)
	slots := 0
	for i := range nodes {
		slots += 1 + len(nodes[i].Models)
	}
	now := make([]int, slots)
	next := func() int {
		value, shift := 0, 0
		for {
			b := raw[0]
			raw = raw[1:]
			value |= int(b&127) << shift
			if shift += 7; b < 128 {
				return value
			}
		}
	}
	var states []string
	for range held.Times {
		slot := 0
		for range next() {
			slot += next()
			now[slot] = next()
			slot++
		}
		var state []string
		at := 0
		for i := range nodes {
			var words []string
			for range 1 + len(nodes[i].Models) {
				words = append(words, held.Words[now[at]])
				at++
			}
			state = append(state, strings.Join(words, " "))
		}
		states = append(states, strings.Join(state, " | "))
	}
	if len(raw) > 0 {
		t.Fatalf("raw = %v, want none", raw)
	}
	return states
}

func inflate(t testing.TB, text string) []byte {
	t.Helper()
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
