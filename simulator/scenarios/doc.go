// Package scenarios holds the scenarios that are part of the program, one YAML file
// each, to run and to start one's own from. They are read in
// cmd/ashlar/internal/simulate, whose tests hold their output and that the assertions in
// them hold.
package scenarios
