package main

import (
	"math/rand"
	"slices"
	"strconv"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// movesPerJob is how many instances are moved at most for a job that does not fit, and movesTried
// how many moves are tried for it.
const (
	movesPerJob = 2
	movesTried  = 1000
)

// playMoved is playMIG with as many nodes of one GPU as it has GPUs, and with defragmentation: where
// a job does not fit, the fewest instances are moved that make room for it, each to where the policy
// places it again while its own node is closed. A move takes no time here. It returns the mean
// number of moves for each job, too.
func playMoved(oneGPU *placement.Inventory, gpus int, policy placement.Policy, count int, seed int64) (served []float64, moves float64) {
	mix := migKinds()
	s := cluster.NewSnapshot(slices.Repeat([]cluster.Node{{Inventory: oneGPU, Domain: cluster.NoDomain}}, gpus))
	rankings := make([]*cluster.NodeRanking, len(migMix))
	for i, kind := range migMix {
		request := &placement.Request{Parts: []placement.Part{{
			Count: 1, Accepts: oneGPU.SelectDevices(func(o *placement.Device) bool { return o.Form == placement.MIG && o.Profile == kind.id }),
		}}}
		rankings[i] = s.Rank(s.ByInventory(func(*placement.Inventory) *placement.Request { return request }), policy)
	}
	jobs := drawArrivals(rand.New(rand.NewSource(seed)), mix, 7*float64(gpus), load, count)
	tally := newTally(len(mix))
	where, made := map[int]int{}, 0
	nameOf := func(job int) placement.HolderID { return placement.HolderID(strconv.Itoa(job)) }
	place := func(job int) bool {
		best, fits := rankings[jobs[job].kind].Best(cluster.Node{}.Host, nil)
		if !fits {
			return false
		}
		if err := s.Allocate(best.Node, placement.Allocation{Holder: nameOf(job), Devices: best.Devices}); err != nil {
			return false // placed in this very state, so it fits
		}
		where[job] = best.Node
		return true
	}
	playJobs(jobs, func(job int) {
		s.ReleaseHolder(where[job], nameOf(job))
		delete(where, job)
	}, func(job int) bool {
		fits := place(job)
		if !fits {
			defrag := &cluster.Defragmentation{MayClose: true, MaxMoves: movesPerJob, MaxSteps: movesTried}
			running := make([]int, 0, len(where))
			for other := range where {
				running = append(running, other)
			}
			slices.Sort(running)
			for _, other := range running {
				defrag.Holders = append(defrag.Holders, cluster.MovableHolder{Holder: nameOf(other), Ranking: rankings[jobs[other].kind]})
			}
			plan, found := s.PlanRoom(defrag, cluster.GroupMember{Ranking: rankings[jobs[job].kind]}, 1)
			for i := range plan.Moves {
				move := &plan.Moves[i]
				s.ReleaseHolder(move.From, move.Holder)
				if err := s.Allocate(move.To, placement.Allocation{Holder: move.Holder, Devices: move.Takes}); err != nil {
					panic(err) // the plan says that it fits
				}
				number, err := strconv.Atoi(string(move.Holder))
				if err != nil {
					panic(err) // nameOf names holders
				}
				where[number] = move.To
				made++
			}
			fits = found && place(job)
		}
		tally.countJob(jobs[job].kind, fits)
		return fits
	})
	return tally.servedShares(mix), float64(made) / float64(count)
}
