// Package simulator will run the placement code over traces at thousands of nodes:
// a simulated clock, a (time, sequence) event queue, arrivals and departures. It
// holds no code yet; `ashlar simulate` arrives with it.
package simulator
