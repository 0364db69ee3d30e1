// Package topology says what a node is made of: its GPUs, the links between
// them, NUMA nodes, PCIe roots and NICs. The known GPU models and machine types,
// every entry with its source, are in package catalogue.
//
//	MachineType ──> Node ──> GPUs []GPU ──> *Model
//	                  ├────> Links   GPU x GPU, as `nvidia-smi topo -m` prints them
//	                  └────> NICs    NIC x GPU
//
// A Node is immutable once built and carries no name, so that all nodes of one
// machine type share a single value. Who holds which GPU is not known here: see
// package placement.
//
// Nothing in this package or below imports Kubernetes, reads a clock, a file or
// the environment, logs, or draws a random number.
package topology
