// Package dra is Ashlar's DRA driver as a library. Device is the value that its packages
// share: one way to hand a GPU or a part of it out.
//
//	discovery  what GPUs a node has: NVML and sysfs to Devices
//	publish    Devices to ResourceSlices, under the names of package deviceapi
//	prepare    what was allocated, done on the hardware and undone
//	checkpoint who was prepared what, in a file that outlives the driver
//	configapi  the opaque configuration of claims and classes
//	cdi, mps   what containers get; MPS control daemons
//	health     events and conditions of GPUs to taints
//	hardware   what is read and changed of GPUs, over NVML
//	simulated  an NVML without hardware, for nodes without GPUs and for tests
//	kubelet    the driver as the kubelet sees it
//	nodedriver all of it, connected: the driver of one node
//
// device.go has Device.
package dra
