// Package scenario describes a simulation: nodes of the catalogue's machine types,
// workloads by distributions, what happens to nodes, and variants of it that are run
// next to one another. Build draws the jobs from a seed and makes a simulator.Input.
//
//	Scenario ──Check──> Build(seed, variant) ──> simulator.Input ──> simulator.Run
//	(YAML, read in cmd/ashlar/internal/scenariofile)
//
// schema.json describes the YAML for editors; a test keeps it equal to the types.
// Every error is a FieldError, whose path the reader of a file turns into a line.
package scenario
