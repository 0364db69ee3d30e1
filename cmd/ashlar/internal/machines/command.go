package machines

import (
	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
)

// NewCommand is ashlar topology.
func NewCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "topology",
		Short: "Look at machines and GPUs, try out choices, add machines",
		Long: `Shows what the catalogue knows of machine types, GPU models and MIG, asks the
same placement code as the scheduler which GPUs it would choose, and makes
machine types of what nvidia-smi printed. It needs no GPU and no cluster.`,
		Args: cli.OnlySubcommands,
		RunE: cli.ShowHelp,
	}
	command.AddCommand(
		newListCommand(),
		newShowCommand(),
		newMIGCommand(),
		newChooseCommand(),
		newImportCommand(),
	)
	return command
}
