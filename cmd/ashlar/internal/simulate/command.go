package simulate

import (
	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
)

// NewCommand is ashlar simulate.
func NewCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "simulate",
		Short: "Try policies on thousands of simulated nodes",
		Long: `Runs the code that chooses nodes over a trace, with one policy next to another on
the same arrivals. It needs no GPU and no cluster.`,
		Args: cli.OnlySubcommands,
		RunE: cli.ShowHelp,
	}
	command.AddCommand(newOpenbCommand(), newMergeCommand())
	addRun(command)
	return command
}
