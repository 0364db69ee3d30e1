// Package resourceslices reads the GPUs that DRA drivers publish as ResourceSlices:
// Ashlar's own driver, and NVIDIA's, whose slices lack link tables.
//
// Every device is read on its own. One that is not understood is left out, with the
// reason, and takes no other device with it: callers leave it to the in-tree code.
//
//	pool.go            slices to pools: the newest generation, and what makes a pool allocatable
//	attribute.go       attributes and capacities by name, with or without the driver's domain
//	identity.go        which GPU a device is on
//	gpu.go             a GPU, from its own device or from those of its MIG instances
//	links.go           how GPUs reach each other, published or assumed
//	nics.go            the network adapter nearest to each GPU
//	device.go          a published device as package placement knows it
//	mig.go             the placement of a MIG device
//	read.go            all devices of a pool
//	shared_reading.go  the same with what depends on it, shared by pools that differ in nothing but which
//	                   devices they are
//	fingerprint.go     which those are
//	readings.go        one reading of each of them
//	pool_cache.go      the pools of a cluster, each read once
//	allocation.go      what allocated claims have of the GPUs
//	words.go           the same in words
package resourceslices
