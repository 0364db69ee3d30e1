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
//	file.go, scenario.go       what a file has; a scenario and its variants
//	pool.go, workload.go       nodes; jobs and their arrivals
//	request.go, model.go       what a pod of a job asks for; model servers
//	sharing.go,                how GPUs are handed out, as it is written
//	sharing_form.go
//	replica.go                 GPUs that are handed out to several holders at a time
//	slowdown.go, autoscale.go  how these slow one another down; replicas by load, cold starts
//	traced.go                  jobs of a published log in place of the workloads
//	limits.go                  what runs of a scenario do not show
//	event.go, crash.go         what happens to nodes and jobs
//	assertion.go               what runs are to show
//	duration.go, quantity.go   run times; times, memory, CPU and rates as they are written
//	build.go, arrivals.go,     a Scenario to a simulator.Input
//	template.go, demand.go
//	field.go                   FieldError
//
// schema.json describes the YAML for editors; a test keeps it equal to the types.
// Every error is a FieldError, or several of them joined, whose paths the reader of a file
// turns into lines and columns.
package scenario
