// Package install puts Ashlar on a cluster the way an administrator would:
// manifests/base, with the component extended-resources, is applied as it is, and the
// scheduler and the driver run with the permissions that it grants, so that a missing
// one shows. Only that they run as local processes instead of pods is different, and that one
// driver publishes for all nodes, under a ServiceAccount of its own.
//
//	install.go   what is applied and started, in which order
//	identity.go  who the driver of simulated nodes is
//	offer.go     nodes of each kind: labels, slices of NVIDIA's driver, GPUs of a plugin
//	health.go    whether the scheduler is at work
//	metrics.go   what the scheduler measures
package install
