// Package e2e runs pods on a real node: a kubelet, containerd and runc, which package
// cluster starts beside its control plane. It needs root on Linux, and says what is
// missing where it skips. `make e2e` runs it.
//
//	main_test.go       the cluster and its node, which all tests share
//	testdriver_test.go a DRA driver of two devices that are files, as a process on the node
//	claim_test.go      what a claim's pod is given, and that it is taken back
//	driver_test.go     that Ashlar's driver prepares what its scheduler chose, and tells of
//	                   failing GPUs; claimedpod_test.go has its pods
//	testmps_test.go    a stand-in for nvidia-cuda-mps-control
//	testplugin_test.go a device plugin that says it has GPUs, likewise
//	rival_test.go      that Ashlar's driver gives way to it
//	life_test.go       that a node is a machine of its own, and leaves nothing behind
package e2e
