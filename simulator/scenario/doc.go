// Package scenario describes a simulation: nodes of the catalogue's machine types,
// workloads by distributions, what happens to nodes, and variants of it that are run
// next to one another. Build draws the jobs from a seed and makes a simulator.Input.
//
//	Scenario ──Check──> Build(seed, variant) ──> simulator.Input ──> simulator.Run
//	(YAML, read in cmd/ashlar/internal/scenariofile)
//
// File is what a file has: a version, a kind and the Scenario, with the assertions that
// package assertion checks after the runs.
//
// schema.json describes the YAML for editors; a test keeps it equal to the types.
// Every error is a FieldError, or several of them joined, whose paths the reader of a file
// turns into lines and columns.
package scenario
