package clustermap

import "time"

// Map is a cluster's GPUs, who holds what of them, and who waits.
type Map struct {
	// Nodes are those with GPUs, by name.
	Nodes []Node `json:"nodes"`
	// Waiting are the pods that wait for GPUs, those that wait longest first.
	Waiting []WaitingPod `json:"waiting"`
	Totals  Totals       `json:"totals"`
	// Notes say what of the cluster is not shown, or shown with a doubt.
	Notes []string `json:"notes,omitempty"`
}

// Totals are sums over GPUs. Memory is in bytes.
type Totals struct {
	GPUs int `json:"gpus"`
	// Allocated are the GPUs of which somebody holds something, Unhealthy those that nobody new is given.
	Allocated  int   `json:"allocated"`
	Unhealthy  int   `json:"unhealthy,omitempty"`
	Memory     int64 `json:"memory"`
	FreeMemory int64 `json:"freeMemory"`
	Stranded   int64 `json:"stranded,omitempty"`
}

// Node is one node. Memory is in bytes.
type Node struct {
	Name string `json:"name"`
	// Source is the driver that published the GPUs, or "device plugin"; "" if there are none.
	Source   string `json:"source,omitempty"`
	Ready    bool   `json:"ready"`
	Cordoned bool   `json:"cordoned,omitempty"`
	GPUs     []GPU  `json:"gpus"`
	// Links are how GPUs reach each other, as nvidia-smi topo -m names it; nil if that is unknown.
	Links [][]string `json:"links,omitempty"`
}

// GPU is one GPU.
type GPU struct {
	// UUID is NVML's, "" where it is not published.
	UUID       string   `json:"uuid,omitempty"`
	Index      int64    `json:"index"`
	Product    string   `json:"product"`
	Memory     int64    `json:"memory"`
	FreeMemory int64    `json:"freeMemory"`
	Holders    []Holder `json:"holders,omitempty"`
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

// Holder is what one pod has of a GPU.
type Holder struct {
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

// Forms of what a holder has.
const (
	FormWhole = "whole"
	FormMIG   = "mig"
	FormShare = "share"
)

// WaitingPod is a pod that waits for GPUs.
type WaitingPod struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Since     time.Time `json:"since"`
	// Reason is what its scheduler said last, "" if nothing.
	Reason string `json:"reason,omitempty"`
}
