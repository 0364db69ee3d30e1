// Package nodeview says what one node's GPUs look like to one pod, whatever the node
// runs. Each kind of thing that a node may run has a package of its own below:
//
//	dra            ResourceSlices of Ashlar's or NVIDIA's driver
//	deviceplugin   what NVIDIA's device plugin hands out, and GPU feature discovery's labels
//
// A source reads nodes and pods in its own terms, which package placement knows nothing
// of: selectors, labels, counts of extended resources. What comes out is the same for
// all of them, so that the scheduler's plugin decides without asking what a node runs.
package nodeview
