// Package demo is ashlar demo and ashlar down: a control plane with simulated GPU nodes on
// one's own machine.
package demo
