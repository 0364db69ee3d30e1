// Package deviceapi fixes the names under which a node's GPUs are published and
// read back: device names, attributes, capacities and counters of ResourceSlices.
// The driver writes them and the scheduler's plugins read them; both keep to this
// one list, and neither needs the other.
//
// For every physical GPU there is one device for the whole GPU, one for each MIG
// placement, and one whose memory can be shared. All of them draw on one counter
// set per GPU, so that the API's own rules keep them mutually exclusive.
//
// The resources of NVIDIA's device plugin, which stand for the same GPUs, are in
// resources.go, those of other makers in other_devices.go, and the labels that tell a
// node's GPUs in labels.go. Annotations of pods that several parts of Ashlar read are in
// annotations.go.
package deviceapi
