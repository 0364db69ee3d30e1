package main

import "github.com/spf13/cobra"

func newTopologyListCommand() *cobra.Command {
	var source catalogueFlags
	var output outputFlag
	command := &cobra.Command{
		Use:   "list",
		Short: "List machine types and GPU models",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := output.check(); err != nil {
				return err
			}
			c, err := source.load()
			if err != nil {
				return err
			}
			contents, err := contentsOf(c)
			if err != nil {
				return err
			}
			return output.write(cmd.OutOrStdout(), contents, contents.writeText)
		},
	}
	source.add(command)
	output.add(command)
	return command
}
