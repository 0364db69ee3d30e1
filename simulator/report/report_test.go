package report

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/openb"
	openbpolicy "github.com/ashlar-dev/ashlar/simulator/openb/policy"
	"github.com/ashlar-dev/ashlar/topology/forecast"
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
	require.NoError(t, Write(&page, title, runs))
	return page.String()
}

// has and lacks look for a text, and do not print the page.
func has(t testing.TB, page, text string) {
	t.Helper()
	require.True(t, strings.Contains(page, text), "the page does not have %.200q", text)
}

func lacks(t testing.TB, page, text string) {
	t.Helper()
	require.False(t, strings.Contains(page, text), "the page has %.200q", text)
}

func matches(t testing.TB, page, pattern string) bool {
	t.Helper()
	return regexp.MustCompile(pattern).MatchString(page)
}

// embedded reads back what the page gives to its script.
func embedded(t testing.TB, page string) pageData {
	t.Helper()
	_, after, found := strings.Cut(page, `<script type="application/json" id="data">`)
	require.True(t, found)
	text, _, found := strings.Cut(after, "</script>")
	require.True(t, found)
	var d pageData
	require.NoError(t, json.Unmarshal([]byte(text), &d))
	return d
}

func TestSummary(t *testing.T) {
	page := written(t, "A week", Run{Name: "a", Seed: 1, Result: resultOf(1)}, Run{Name: "a", Seed: 2, Result: resultOf(3)},
		Run{Name: "b", Seed: 1, Result: resultOf(1)})
	has(t, page, "<title>A week</title>")
	require.True(t, matches(t, page, `<th scope="row">99th percentile</th><td>2h<small>1h – 3h</small></td><td class="best">1h</td>`))
	// None is best if all are the same.
	require.True(t, matches(t, page, `Utilisation<small>[^<]*</small></th><td>50\.0 %</td><td>50\.0 %</td>`))
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
		require.NoError(t, err)
		runs = append(runs, Run{Name: "fgd", Seed: seed, Curves: result})
	}
	page := written(t, "openb", runs...)
	d := embedded(t, page)
	require.Len(t, d.Charts, 3) // one policy is behind nobody
	for _, c := range d.Charts {
		require.Len(t, c.Series, 1)
		require.Len(t, c.Series[0].X, openb.ArrivingPercent+1)
		require.Len(t, c.Series[0].Low, openb.ArrivingPercent+1)
	}
	want := fiveDigits((runs[0].Curves.At(100).Allocated + runs[1].Curves.At(100).Allocated) / 2)
	require.InDelta(t, want, d.Charts[0].Series[0].Y[100], 1e-9)
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
	require.Equal(t, chartSeries{X: []float64{0, 10, 14, 20}, Y: []float64{0, 10, 12, 20},
		Low: []float64{0, 10, 10, 20}, High: []float64{0, 10, 14, 20}}, s)
}

func TestEncode(t *testing.T) {
	result := resultOf(1)
	held, err := encodeStates(result)
	require.NoError(t, err)
	require.Equal(t, []string{"-", "d", "dj1", "j3", "m0:2=0,2:1=1", "s250=0,500=1", "w0", "w1", "x"}, held.Words)
	require.Equal(t, []string{
		"- - w1 | - s250=0,500=1 | j3",
		"- m0:2=0,2:1=1 - | d - | dj1",
		"x - - | - w0 | dj1",
	}, decoded(t, held, result.Nodes))
	require.Equal(t, []int64{4, 0}, nodesOf(result).Slices, "as the nodes say; an L4 has no MIG")
}

// Whatever the frames are, what they say can be read back.
func TestEncodeAnything(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		result, want := anyFrames(rng, 1+rng.IntN(20), 1+rng.IntN(10), 0.4)
		held, err := encodeStates(result)
		require.NoError(t, err)
		require.Equal(t, want, decoded(t, held, result.Nodes))
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
			require.ErrorContains(t, Write(&bytes.Buffer{}, "", []Run{{Name: "a", Result: result}}), "report: map of a, seed 0: frame 1")
		})
	}
}

func TestWriteRefuses(t *testing.T) {
	require.EqualError(t, Write(&bytes.Buffer{}, "", nil), "report: no runs to show")
	require.EqualError(t, Write(&bytes.Buffer{}, "", []Run{{Name: "a", Seed: 3}}), "report: run a, seed 3 has neither a result nor curves")
	require.ErrorContains(t, Write(full{}, "", []Run{{Name: "a", Result: resultOf(1)}}), "report: write the page: disk full")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("disk full") }

func TestSameBytes(t *testing.T) {
	first := written(t, "x", Run{Name: "a", Result: resultOf(1)}, Run{Name: "b", Result: resultOf(2)})
	for range 5 {
		require.Equal(t, first, written(t, "x", Run{Name: "a", Result: resultOf(1)}, Run{Name: "b", Result: resultOf(2)}))
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
		require.Equal(t, 2, strings.Count(page, "<script"), "%.40q", name)
		require.Equal(t, 2, strings.Count(page, "</script>"), "%.40q", name)
		require.Equal(t, 1, strings.Count(page, "<style>"), "%.40q", name)
		lacks(t, page, "<img")
		lacks(t, page, "<!--")
		lacks(t, page, "\u202e")
		d := embedded(t, page)
		require.Equal(t, clipName(name), d.Policies[0])
		require.LessOrEqual(t, len(page), 150_000)
	}
}

// The page has no address in it that a browser would load.
func TestSelfContained(t *testing.T) {
	page := written(t, "x", Run{Name: "a", Result: resultOf(1)})
	require.False(t, matches(t, page, `(?i)\b(src|srcset|action|data-src)=`))
	require.False(t, matches(t, page, `(?i)@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket|innerHTML|insertAdjacent|document\.write|eval\(`))
	for _, address := range regexp.MustCompile(`https?://[^"' ]*`).FindAllString(page, -1) {
		require.Equal(t, "http://www.w3.org/2000/svg", address)
	}
	lacks(t, page, "ZgotmplZ") // what html/template puts for what it does not trust
}

// A page for all nodes of the openb trace and a hundred frames stays below 3 MB, even if
// one GPU in eight changes hands between two frames.
func TestSize(t *testing.T) {
	result, _ := anyFrames(rand.New(rand.NewPCG(1, 1)), 1213, 100, 0.125)
	page := written(t, "x", Run{Name: "a", Result: result})
	t.Logf("%d bytes for %d nodes and %d frames", len(page), len(result.Nodes), len(result.Snapshots))
	require.Less(t, len(page), 3_000_000)
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
	require.Empty(t, raw)
	return states
}

func inflate(t testing.TB, text string) []byte {
	t.Helper()
	packed, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	raw, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	require.NoError(t, err)
	return raw
}
