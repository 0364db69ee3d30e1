package main

import "github.com/spf13/cobra"

func newTopologyShowCommand() *cobra.Command {
	var source catalogueFlags
	var output outputFlag
	command := &cobra.Command{
		Use:   "show MACHINE",
		Short: "Draw a machine: links, NUMA nodes, NICs, islands, best rings",
		Example: `  ashlar topology show dgx-h100
  ashlar topology show 8xpcie-pix-pairs/L40S
  ashlar topology show my-box --machine-file my-box.txt`,
		Args:              oneArgument("MACHINE"),
		ValidArgsFunction: source.completeMachine,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := output.check(); err != nil {
				return err
			}
			c, err := source.load()
			if err != nil {
				return err
			}
			machine, err := c.Machine(args[0])
			if err != nil {
				return err
			}
			drawing, err := drawingOf(machine)
			if err != nil {
				return err
			}
			return output.write(cmd.OutOrStdout(), drawing, drawing.writeText)
		},
	}
	source.add(command)
	output.add(command)
	return command
}
