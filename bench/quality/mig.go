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
		inv, err := placement.NewInventory(node, placement.Offers(node, tables), demand)
		if err != nil {
			return err
		}
		for _, policy := range []placement.Policy{placement.Random{Seed: 1}, placement.FirstFit{}, placement.KeepPlaceable{}} {
			var rows [][]float64
			for seed := range seeds {
				rows = append(rows, playMIG(inv, policy, jobs, int64(seed+1)))
			}
			fmt.Fprintf(w, "| %d | %s |", gpus, policy.Name())
			for column := range rows[0] {
				sum := 0.0
				for _, row := range rows {
					sum += row[column]
				}
				fmt.Fprintf(w, " %.3f |", sum/float64(seeds))
			}
			fmt.Fprintln(w)
		}
	}
	fmt.Fprintln(w)
	return nil
}

// playMIG returns the share of compute slices served, then of each profile's jobs.
func playMIG(inv *placement.Inventory, policy placement.Policy, count int, seed int64) []float64 {
	mix := make([]kindOfJob, len(migMix))
	requests := make([]*placement.Request, len(migMix))
	for i, kind := range migMix {
		mix[i] = kindOfJob{weight: kind.weight, size: kind.compute}
		requests[i] = &placement.Request{Parts: []placement.Part{{
			Count: 1, Accepts: inv.Select(func(o *placement.Offer) bool { return o.Form == placement.MIG && o.Profile == kind.id }),
		}}}
	}
	jobs := arrivals(rand.New(rand.NewSource(seed)), mix, 7*float64(len(inv.Node.GPUs)), load, count)
	state := placement.NewState(inv)
	held := make([]placement.Grant, len(jobs))
	placed, offered := make([]float64, len(mix)), make([]float64, len(mix))
	var placer placement.Placer
	play(jobs, func(job int) { inv.Release(state, held[job].Offer, placement.Size{}) }, func(job int) bool {
		kind := jobs[job].kind
		offered[kind]++
		verdict := placer.Place(inv, state, requests[kind], policy)
		if verdict.Outcome != placement.Fits {
			return false
		}
		placed[kind]++
		held[job] = verdict.Grants[0]
		inv.Hold(state, held[job].Offer, placement.Size{})
		return true
	})
	result := []float64{0}
	slicesPlaced, slicesOffered := 0.0, 0.0
	for kind := range mix {
		slicesPlaced += placed[kind] * mix[kind].size
		slicesOffered += offered[kind] * mix[kind].size
		result = append(result, placed[kind]/offered[kind])
	}
	result[0] = slicesPlaced / slicesOffered
	return result
}

// meanOver averages two figures over seeds.
func meanOver(seeds int, run func(seed int64) (float64, float64)) (a, b float64) {
	for seed := range seeds {
		x, y := run(int64(seed + 1))
		a, b = a+x, b+y
	}
	return a / float64(seeds), b / float64(seeds)
}
