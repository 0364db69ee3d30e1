// Command prepare builds the programs that the demo, the tests and the benchmarks
// run, or finds them up to date. Doing it first shows its progress, which `go test`
// would hold back, and keeps it out of the tests' time limits.
package main
