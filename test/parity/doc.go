// Package parity holds the simulator to the scheduler: the same pods on the same nodes
// get the same devices from both.
package parity
