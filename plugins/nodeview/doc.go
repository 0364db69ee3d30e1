// Package nodeview says what one node's GPUs look like to one pod, whatever the node
// runs. Each kind of thing that a node may run has a package of its own below:
//
//	dra            ResourceSlices of Ashlar's or NVIDIA's driver
//	deviceplugin   what NVIDIA's device plugin hands out, and GPU feature discovery's labels
//
// A source reads nodes and pods in its own terms, which package placement knows nothing
// of: selectors, labels, counts of extended resources. What comes out is in placement's.
// Where the devices of a node can be chosen it is a View; behind a device plugin, where
// the kubelet chooses, it is a deviceplugin.NodeChoice, which ranks the node among others
// in the same order.
package nodeview
