package machines

import (
	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
)

func newMIGCommand() *cobra.Command {
	var source CatalogueFlags
	var output cli.OutputFlag
	command := &cobra.Command{
		Use:   "mig GPU",
		Short: "Show a GPU's MIG profiles, how many states they allow, what each placement leaves",
		Long: `Shows the MIG profiles of a GPU, named by its model or MIG table, how many sets
of instances are legal, and for an empty GPU what stays placeable after each
first placement.`,
		Example: `  ashlar topology mig H100-SXM5-80GB
  ashlar topology mig a30-24gb -o json`,
		Args:              cli.OneArgument("GPU"),
		ValidArgsFunction: source.completeGPU,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := output.CheckFormat(); err != nil {
				return err
			}
			c, err := source.LoadCatalogue()
			if err != nil {
				return err
			}
			table, err := c.Geometry(args[0])
			if err != nil {
				return cli.MistakenInput(err)
			}
			geometry := geometryOf(c, table)
			return output.Write(cmd.OutOrStdout(), geometry, geometry.writeText)
		},
	}
	source.AddTo(command)
	output.AddTo(command, "table, json or yaml", cli.FormatTable, cli.FormatJSON, cli.FormatYAML)
	return command
}
