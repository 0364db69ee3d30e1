// Package apiserver finds out what an API server that is older than our libraries lacks
// of what the scheduler and the driver build on. features.go is the pure rule, from what
// the server said to one line for each lack; discover.go asks the server.
//
// Whether a server serves an API can be seen. Whether it keeps a field that belongs to a
// feature gate cannot: it drops the field without a word. There its version tells what
// holds unless somebody set the gate.
package apiserver
