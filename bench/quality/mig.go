package main

import (
	"fmt"
	"io"
	"math/rand"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func noTables(node *topology.Node) []*mig.Table { return make([]*mig.Table, len(node.GPUs)) }

// migMix is how often each profile of the 7-slice family is asked for.
var migMix = []struct {
	id      mig.ProfileID
	name    string
	weight  int
	compute float64
}{{19, "1g", 4, 1}, {14, "2g", 2, 2}, {9, "3g", 1, 3}, {5, "4g", 1, 4}}

// migTable writes, for each policy, the share of the asked compute slices that was
// served, and how often each profile was.
func migTable(w io.Writer, jobs, seeds int) error {
	machine, err := catalogue.Default().Machine("dgx-h100")
	if err != nil {
		return err
	}
	table, err := catalogue.Default().MIG(machine.Node.GPUs[0].Model.MIG)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "MIG slices served: 1g:4 2g:2 3g:1 4g:1, load %.1f, %d arrivals x %d seeds\n\n", load, jobs, seeds)
	fmt.Fprintln(w, "| GPUs | policy | slices served | 1g | 2g | 3g | 4g |\n| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
	note := ""
	for _, gpus := range []int{1, 8} {
		node := &topology.Node{GPUs: machine.Node.GPUs[:gpus]}
		for _, row := range machine.Node.Links[:gpus] {
			node.Links = append(node.Links, row[:gpus])
		}
		tables := slices.Repeat([]*mig.Table{table}, gpus)
		demand := placement.Demand{Profiles: map[mig.ProfileID]int64{}, Divided: 100}
		for _, kind := range migMix {
			demand.Profiles[kind.id] = int64(kind.weight)
		}
		inv, err := placement.NewInventory(node, placement.NodeDevices(node, tables), demand)
		if err != nil {
			return err
		}
		policies := []placement.Policy{placement.Random{Seed: 1}, placement.FirstFit{}, placement.BestFit{},
			placement.NewFragmentation(demand), placement.KeepPlaceable{}}
		for _, policy := range policies {
			writeRow(w, gpus, policy.Name(), seeds, func(seed int64) []float64 { return playMIG(inv, policy, jobs, seed) })
		}
		if gpus > 1 {
			single := &topology.Node{GPUs: node.GPUs[:1], Links: [][]topology.Link{node.Links[0][:1]}}
			one, err := placement.NewInventory(single, placement.NodeDevices(single, tables[:1]), demand)
			if err != nil {
				return err
			}
			moves := 0.0
			name := fmt.Sprintf("keep-placeable, up to %d moved for one", movesPerJob)
			writeRow(w, gpus, name, seeds, func(seed int64) []float64 {
				served, each := playMoved(one, gpus, placement.KeepPlaceable{}, jobs, seed)
				moves += each / float64(seeds)
				return served
			})
			note += fmt.Sprintf("Moved, as ashlar defrag would between %d nodes of one GPU: %.2f instances per arrival.\n\n", gpus, moves)
		}
		writeRow(w, gpus, "if instances moved freely", seeds, func(seed int64) []float64 { return playFreely(gpus, jobs, seed) })
		if gpus == 1 {
			note += exactNote(inv, min(jobs, exactArrivals), seeds)
		}
		writeRow(w, gpus, "clairvoyant, at most", seeds, func(seed int64) []float64 { return boundClairvoyant(gpus, jobs, seed) })
	}
	fmt.Fprintf(w, "\n%s", note)
	return nil
}

// writeRow writes the means over seeds.
func writeRow(w io.Writer, gpus int, name string, seeds int, play func(seed int64) []float64) {
	var sums []float64
	for seed := range seeds {
		row := play(int64(seed + 1))
		if sums == nil {
			sums = make([]float64, len(row))
		}
		for column := range row {
			sums[column] += row[column]
		}
	}
	fmt.Fprintf(w, "| %d | %s |", gpus, name)
	for _, sum := range sums {
		fmt.Fprintf(w, " %.3f |", sum/float64(seeds))
	}
	for range 1 + len(migMix) - len(sums) {
		fmt.Fprint(w, " |") // a bound is of all profiles together
	}
	fmt.Fprintln(w)
}

// playFreely serves a job whenever the node has as many compute slices left, and 4g
// at most once for each GPU: as if instances could move at any time and geometry did
// not matter otherwise. It shows what is left to gain for policies that take
// whatever fits; one that refuses small jobs to keep room for large ones is not
// bounded by it.
func playFreely(gpus, count int, seed int64) []float64 {
	mix := migKinds()
	jobs := drawArrivals(rand.New(rand.NewSource(seed)), mix, 7*float64(gpus), load, count)
	free, large := 7*float64(gpus), gpus
	tally := newTally(len(mix))
	const fourG = 3 // index into migMix
	playJobs(jobs, func(job int) {
		free += mix[jobs[job].kind].size
		if jobs[job].kind == fourG {
			large++
		}
	}, func(job int) bool {
		kind := jobs[job].kind
		fits := mix[kind].size <= free && (kind != fourG || large > 0)
		tally.countJob(kind, fits)
		if fits {
			free -= mix[kind].size
			if kind == fourG {
				large--
			}
		}
		return fits
	})
	return tally.servedShares(mix)
}

func migKinds() []kindOfJob {
	var mix []kindOfJob
	for _, kind := range migMix {
		mix = append(mix, kindOfJob{weight: kind.weight, size: kind.compute})
	}
	return mix
}

// kindTally counts jobs by kind.
type kindTally struct{ placed, offered []float64 }

func newTally(kinds int) *kindTally {
	return &kindTally{placed: make([]float64, kinds), offered: make([]float64, kinds)}
}

func (t *kindTally) countJob(kind int, placed bool) {
	t.offered[kind]++
	if placed {
		t.placed[kind]++
	}
}

// servedShares returns the share of compute slices that was served, then that of each
// kind's jobs.
func (t *kindTally) servedShares(mix []kindOfJob) []float64 {
	result := []float64{0}
	placed, offered := 0.0, 0.0
	for kind := range mix {
		placed += t.placed[kind] * mix[kind].size
		offered += t.offered[kind] * mix[kind].size
		result = append(result, t.placed[kind]/t.offered[kind])
	}
	result[0] = placed / offered
	return result
}

// playMIG returns the share of compute slices served, then of each profile's jobs.
func playMIG(inv *placement.Inventory, policy placement.Policy, count int, seed int64) []float64 {
	mix := migKinds()
	requests := make([]*placement.Request, len(migMix))
	for i, kind := range migMix {
		requests[i] = &placement.Request{Parts: []placement.Part{{
			Count: 1, Accepts: inv.SelectDevices(func(o *placement.Device) bool { return o.Form == placement.MIG && o.Profile == kind.id }),
		}}}
	}
	jobs := drawArrivals(rand.New(rand.NewSource(seed)), mix, 7*float64(len(inv.Node.GPUs)), load, count)
	state := placement.NewGPUStates(inv)
	held := make([]placement.DeviceAllocation, len(jobs))
	tally := newTally(len(mix))
	var placer placement.Placer
	playJobs(jobs, func(job int) { inv.ReleaseDevice(state, held[job].Device, placement.ShareSize{}) }, func(job int) bool {
		kind := jobs[job].kind
		verdict := placer.Place(inv, state, requests[kind], policy)
		tally.countJob(kind, verdict.Outcome == placement.Fits)
		if verdict.Outcome != placement.Fits {
			return false
		}
		held[job] = verdict.Devices[0]
		inv.HoldDevice(state, held[job].Device, placement.ShareSize{})
		return true
	})
	return tally.servedShares(mix)
}

// meanOver averages two figures over seeds.
func meanOver(seeds int, run func(seed int64) (float64, float64)) (a, b float64) {
	for seed := range seeds {
		x, y := run(int64(seed + 1))
		a, b = a+x, b+y
	}
	return a / float64(seeds), b / float64(seeds)
}
