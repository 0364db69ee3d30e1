package main

import "github.com/spf13/cobra"

func newSimulateCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "simulate",
		Short: "Try policies on thousands of simulated nodes",
		Long: `Runs the code that chooses nodes over a trace, with one policy next to another on
the same arrivals. It needs no GPU and no cluster.`,
		Args: onlySubcommands,
		RunE: help,
	}
	command.AddCommand(newSimulateOpenbCommand(), newSimulateMergeCommand())
	addSimulateRun(command)
	return command
}
