// Package workload is what is scheduled in the benchmark of schedulers: clusters by size, the
// pods by form, and the configurations of the schedulers.
//
//	size.go           nodes x devices, in flags and tables
//	nodes.go          what a node of so many devices is, and its ResourceSlices
//	publish.go        its slices on an API server
//	form.go           the forms in which pods ask for a GPU
//	request.go        the requests of claims
//	refusal.go        pods that fit nowhere
//	deviceclass.go    the DeviceClasses that they name
//	configuration.go  kube-scheduler's configuration, and Ashlar's as it is shipped
package workload
