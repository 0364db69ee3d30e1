// Package podgroups tests the PodGroups of Kubernetes itself, whose feature gate is off by default, on a real
// control plane with the gate on.
package podgroups
