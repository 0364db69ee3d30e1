package demo

import (
	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/test/demo"
)

// NewCommand is ashlar demo.
func NewCommand() *cobra.Command {
	var keep bool
	command := &cobra.Command{
		Use:   "demo",
		Short: "Place GPU pods on a real control plane with simulated GPU nodes",
		Long: `Starts a real etcd, API server, controller manager and scheduler on loopback and
fourteen simulated GPU nodes of three kinds (Ashlar's driver, NVIDIA's driver, a device
plugin), runs Ashlar's driver and scheduler, applies the examples under
manifests/examples, and prints who got which GPUs and why others wait, and where the
stock scheduler puts the same pods.
Run it inside a checkout of the repository.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options := demo.Options{Out: cmd.OutOrStdout(), After: demo.StopCluster}
			if keep {
				options.After = demo.KeepCluster
			}
			return demo.Run(cmd.Context(), options)
		},
	}
	command.Flags().BoolVar(&keep, "keep", false, "leave the cluster up, for kubectl; \"ashlar down\" ends it")
	return command
}

// NewDownCommand is ashlar down.
func NewDownCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "End clusters that `ashlar demo --keep` left up",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo.Down(cmd.Context(), cmd.OutOrStdout())
		},
	}
}
