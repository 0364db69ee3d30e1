package machines

import (
	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
)

func newShowCommand() *cobra.Command {
	var source CatalogueFlags
	var output cli.OutputFlag
	command := &cobra.Command{
		Use:   "show MACHINE",
		Short: "Draw a machine: links, NUMA nodes, NICs, islands, best rings",
		Example: `  ashlar topology show dgx-h100
  ashlar topology show 8xpcie-pix-pairs/L40S
  ashlar topology show my-box --machine-file my-box.txt`,
		Args:              cli.OneArgument("MACHINE"),
		ValidArgsFunction: source.completeMachine,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := output.CheckFormat(); err != nil {
				return err
			}
			c, err := source.LoadCatalogue()
			if err != nil {
				return err
			}
			machine, err := c.Machine(args[0])
			if err != nil {
				return cli.MistakenInput(err)
			}
			drawing, err := drawingOf(machine)
			if err != nil {
				return err
			}
			return output.Write(cmd.OutOrStdout(), drawing, drawing.writeText)
		},
	}
	source.AddTo(command)
	output.AddTo(command, "table, json or yaml", cli.FormatTable, cli.FormatJSON, cli.FormatYAML)
	return command
}
