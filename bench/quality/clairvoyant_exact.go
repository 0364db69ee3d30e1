package main

import (
	"fmt"
	"math/rand"

	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// exactArrivals is how many arrivals of each run the exact solver looks at: some ten seconds.
const exactArrivals = 400

// exactNote says what who knows all would have served of the first arrivals on one GPU, and
// what policies did.
func exactNote(inv *placement.Inventory, count, seeds int) string {
	kept, first := meanOver(seeds, func(seed int64) (float64, float64) {
		return playMIG(inv, placement.KeepPlaceable{}, count, seed)[0], playMIG(inv, placement.FirstFit{}, count, seed)[0]
	})
	exact, bound := meanOver(seeds, func(seed int64) (float64, float64) {
		return solveClairvoyant(inv, count, seed)[0], boundClairvoyant(1, count, seed)[0]
	})
	return fmt.Sprintf("Of the first %d arrivals on one GPU, who knows all arrivals and ends serves %.3f of the slices at best "+
		"without moving an instance (exact); "+
		"\"clairvoyant, at most\" says %.3f, keep-placeable serves %.3f, first-fit %.3f.\n\n", count, exact, bound, kept, first)
}

// solveClairvoyant is the most of one GPU's compute slices that who knows all arrivals and
// ends can serve without moving an instance, turning jobs away where that pays: exact, by
// dynamic programming over the arrivals. A state is which of the jobs that are there lie
// where; of the ways to come to it the one that served most is kept.
func solveClairvoyant(inv *placement.Inventory, count int, seed int64) []float64 {
	mix := migKinds()
	jobs := knownJobs(drawArrivals(rand.New(rand.NewSource(seed)), mix, 7, load, count))
	offered := 0.0
	for _, job := range jobs {
		offered += mix[job.kind].size
	}
	return []float64{mostServed(inv, jobs, mix) / offered}
}

// heldInstance is a job's instance, by the slices that it takes.
type heldInstance struct {
	job    int32
	slices mig.Slices
}

// maxHeld is how many instances a GPU can have.
const maxHeld = 7

// gpuState is the instances of a GPU in the order of their jobs; unused places are zero.
type gpuState [maxHeld]heldInstance

// afterLeaving is the state when the jobs that are gone at an arrival have left.
func (s *gpuState) afterLeaving(jobs []knownJob, at int) (left gpuState, count int, taken mig.Slices) {
	for _, held := range s {
		if held.slices != 0 && jobs[held.job].end > at {
			left[count] = held
			count++
			taken |= held.slices
		}
	}
	return left, count, taken
}

// mostServed is in compute slices.
func mostServed(inv *placement.Inventory, jobs []knownJob, mix []kindOfJob) float64 {
	ways := make([][]mig.Slices, len(migMix))
	for kind := range migMix {
		for i := range inv.Devices {
			if device := &inv.Devices[i]; device.Form == placement.MIG && device.Profile == migMix[kind].id {
				ways[kind] = append(ways[kind], device.Placement.Slices())
			}
		}
	}
	served := map[gpuState]float64{{}: 0}
	for at, job := range jobs {
		next := make(map[gpuState]float64, 2*len(served))
		keep := func(s gpuState, slices float64) {
			if known, found := next[s]; !found || slices > known {
				next[s] = slices
			}
		}
		for s, slices := range served {
			left, count, taken := s.afterLeaving(jobs, at)
			keep(left, slices)
			for _, way := range ways[job.kind] {
				if way&taken == 0 && count < maxHeld {
					placed := left
					placed[count] = heldInstance{int32(at), way}
					keep(placed, slices+mix[job.kind].size)
				}
			}
		}
		served = next
	}
	most := 0.0
	for _, slices := range served {
		most = max(most, slices)
	}
	return most
}
