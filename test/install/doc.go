// Package install puts Ashlar on a cluster the way an administrator would:
// manifests/base, with the component extended-resources, is applied as it is, and the
// scheduler and the driver run as the ServiceAccounts that it creates, so that a missing
// permission shows. Only that they run as local processes instead of pods is different.
//
//	install.go  what is applied and started, in which order
//	offer.go    nodes of each kind: labels, slices of NVIDIA's driver, GPUs of a plugin
//	health.go   whether the scheduler is at work
package install
