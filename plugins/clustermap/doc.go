// Package clustermap draws what every GPU of a cluster holds, from the objects of the API server: whoever
// publishes the GPUs, Ashlar's driver, NVIDIA's or a device plugin.
//
//	picture.go       Map, Node, GPU, Holder, WaitingPod: what is drawn, with the names of its JSON form
//	draw.go          Draw: a whole cluster
//	totals.go        sums over GPUs
//	waiting.go       the pods that wait, with what their scheduler said last
//	draw_node.go     DrawNode: one node, from its slices and the claims on them
//	draw_counted.go  the GPUs of a device plugin, which are counted
//
// Slices are read by plugins/resourceslices and device plugins' nodes by plugins/nodeview/deviceplugin, as
// the scheduler reads them. Pools that differ in nothing but which devices they are share what is read of
// them, so that a large cluster costs little more than its kinds of nodes. What is free and what is stranded
// is topology/placement's to say, as for the scheduler's metrics: stranded is what is left of a GPU and is in
// none of the devices that may still be had. The simulator's figure of that name asks a whole node for what a
// run's pods request, which a cluster does not tell.
package clustermap
