// Package parity holds the simulator to the scheduler: the same pods on the same nodes
// get the same devices from both, also where the scheduler is started anew in between.
package parity
