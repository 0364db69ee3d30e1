package main

import (
	"fmt"
	"io"
	"math/rand"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// load is the offered load, as a share of the capacity.
const load = 0.8

// sizes are the GPUs per job, equally often.
var sizes = []int{1, 2, 4}

// linkMachines are machines on which the choice of GPUs matters, and two on which
// it does not.
var linkMachines = []string{
	"dgx1-v100", "8xA100-pcie-oddpairs", "2xNVL4-h200", "azure-nc96ads-a100", "8xpcie-pix-pairs/L40S", "8xL40S-2socket-node",
	"dgx-h100", "dgx-a100",
}

// linkTable writes, for each machine and policy, the share of the best possible
// bandwidth that jobs on several GPUs got, and the share of GPU time served.
func linkTable(w io.Writer, jobs, seeds int) error {
	fmt.Fprintf(w, "Share of the best possible bandwidth: jobs of %v GPUs, load %.1f, %d arrivals x %d seeds\n\n", sizes, load, jobs, seeds)
	fmt.Fprintln(w, "| machine | random | first-fit | keep-placeable | GPU time served: first-fit | keep-placeable |\n"+
		"| --- | ---: | ---: | ---: | ---: | ---: |")
	for _, name := range linkMachines {
		machine, err := catalogue.Default().Machine(name)
		if err != nil {
			return err
		}
		demand := placement.Demand{GPUs: map[int]int64{}}
		for _, size := range sizes {
			demand.GPUs[size] = 1
		}
		inv, err := placement.NewInventory(machine.Node, placement.NodeDevices(machine.Node, noTables(machine.Node)), demand)
		if err != nil {
			return err
		}
		var cells []string
		var served []string
		for _, policy := range []placement.Policy{placement.Random{Seed: 1}, placement.FirstFit{}, placement.KeepPlaceable{}} {
			share, time := meanOver(seeds, func(seed int64) (float64, float64) { return playLinks(inv, policy, jobs, seed) })
			cells = append(cells, fmt.Sprintf("%.3f", share))
			served = append(served, fmt.Sprintf("%.3f", time))
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", name, cells[0], cells[1], cells[2], served[1], served[2])
	}
	fmt.Fprintln(w)
	return nil
}

// playLinks returns the mean share of the best bandwidth over the placed jobs on
// several GPUs, and the share of the offered GPU time that was placed.
func playLinks(inv *placement.Inventory, policy placement.Policy, count int, seed int64) (bandwidth, served float64) {
	mix := make([]kindOfJob, len(sizes))
	requests := make([]*placement.Request, len(sizes))
	best := make([]float64, len(sizes))
	var placer placement.Placer
	whole := inv.SelectDevices(func(o *placement.Device) bool { return o.Form == placement.Whole })
	for i, size := range sizes {
		mix[i] = kindOfJob{weight: 1, size: float64(size)}
		requests[i] = &placement.Request{Parts: []placement.Part{{Count: size, Accepts: whole}}}
		best[i] = float64(placer.Place(inv, placement.NewGPUStates(inv), requests[i], placement.KeepPlaceable{}).Rating.Bandwidth)
	}
	jobs := drawArrivals(rand.New(rand.NewSource(seed)), mix, float64(len(inv.Node.GPUs)), load, count)
	state := placement.NewGPUStates(inv)
	held := make([][]placement.DeviceAllocation, len(jobs))
	shares, multi, placed, offered := 0.0, 0, 0.0, 0.0
	playJobs(jobs, func(job int) {
		for _, grant := range held[job] {
			inv.ReleaseDevice(state, grant.Device, grant.ShareSize)
		}
	}, func(job int) bool {
		kind := jobs[job].kind
		offered += mix[kind].size * jobs[job].duration
		verdict := placer.Place(inv, state, requests[kind], policy)
		if verdict.Outcome != placement.Fits {
			return false
		}
		placed += mix[kind].size * jobs[job].duration
		held[job] = slices.Clone(verdict.Devices)
		var gpus placement.GPUSet
		for _, grant := range held[job] {
			inv.HoldDevice(state, grant.Device, grant.ShareSize)
			gpus |= 1 << inv.Devices[grant.Device].GPU
		}
		if sizes[kind] > 1 {
			multi++
			shares += float64(inv.RingBandwidth(gpus)) / best[kind]
		}
		return true
	})
	return shares / float64(multi), placed / offered
}
