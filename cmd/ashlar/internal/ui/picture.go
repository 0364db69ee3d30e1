package ui

import "time"

// nodeTile is what the page shows of a node. Bytes are bytes.
type nodeTile struct {
	Name string `json:"name"`
	// Source is the driver that published the GPUs, or "device plugin"; "" if there are none.
	Source   string    `json:"source,omitempty"`
	Ready    bool      `json:"ready"`
	Cordoned bool      `json:"cordoned,omitempty"`
	GPUs     []gpuTile `json:"gpus"`
	// Links are how GPUs reach each other, as nvidia-smi topo -m names it; nil if that is unknown.
	Links [][]string `json:"links,omitempty"`
}

// gpuTile is one GPU.
type gpuTile struct {
	Index      int64        `json:"index"`
	Product    string       `json:"product"`
	Memory     int64        `json:"memory"`
	FreeMemory int64        `json:"freeMemory"`
	Holders    []holderTile `json:"holders,omitempty"`
	// Slices are the memory slices that MIG cuts the GPU into, 0 without MIG.
	Slices int64 `json:"slices,omitempty"`
	// LargestSlice is the profile of the largest MIG instance that may still be made, "" if none may.
	LargestSlice string `json:"largestSlice,omitempty"`
	// Profiles are all that the GPU may be cut into.
	Profiles []string `json:"profiles,omitempty"`
	// Stranded is free memory that nothing can be given of.
	Stranded int64 `json:"stranded,omitempty"`
	Healthy  bool  `json:"healthy"`
	// NUMA and Island are -1 if unknown.
	NUMA   int64 `json:"numa"`
	Island int64 `json:"island"`
}

// holderTile is what one pod has of a GPU.
type holderTile struct {
	Namespace string `json:"namespace"`
	// Pod is "" for a claim that no pod uses now.
	Pod   string `json:"pod,omitempty"`
	Claim string `json:"claim,omitempty"`
	// Form is whole, mig or share.
	Form    string `json:"form"`
	Profile string `json:"profile,omitempty"`
	// Start and Size are the memory slices of a MIG instance.
	Start int64 `json:"start,omitempty"`
	Size  int64 `json:"size,omitempty"`
	Bytes int64 `json:"bytes"`
	// Priority is the pod's.
	Priority int32 `json:"priority,omitempty"`
}

const (
	formWhole = "whole"
	formMIG   = "mig"
	formShare = "share"
)

// podTile is a pod that waits for GPUs.
type podTile struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Since     time.Time `json:"since"`
	// Reason is what its scheduler said last, "" if nothing.
	Reason string `json:"reason,omitempty"`
}
