package machines

import (
	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
)

func newListCommand() *cobra.Command {
	var source CatalogueFlags
	var output cli.OutputFlag
	command := &cobra.Command{
		Use:   "list",
		Short: "List machine types and GPU models",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := output.CheckFormat(); err != nil {
				return err
			}
			c, err := source.LoadCatalogue()
			if err != nil {
				return err
			}
			contents, err := contentsOf(c)
			if err != nil {
				return err
			}
			if output.Format == cli.FormatName {
				return cli.WriteNames(cmd.OutOrStdout(), contents.machineNames())
			}
			return output.Write(cmd.OutOrStdout(), contents, contents.writeText)
		},
	}
	source.AddTo(command)
	output.AddTo(command, "table, json, yaml or name (of machines)", cli.FormatTable, cli.FormatJSON, cli.FormatYAML, cli.FormatName)
	return command
}
