package machines

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func newChooseCommand() *cobra.Command {
	var source CatalogueFlags
	var output cli.OutputFlag
	var gpus int
	var busy gpuList
	var policyName string
	command := &cobra.Command{
		Use:   "choose MACHINE --gpus K",
		Short: "Say which whole GPUs of a machine a request gets, and if none, why",
		Long: `Asks the scheduler's placement code which K whole GPUs of a machine a pod gets
while some are busy, and compares the bandwidth of the set's best ring with the
best on the empty machine and with the first K free GPUs. Without a choice it
says why and what would fit, and exits with 3.`,
		Example: `  ashlar topology choose dgx1-v100 --gpus 4 --busy 0,3
  ashlar topology choose 8xA100-pcie-oddpairs --gpus 2 --policy first-fit`,
		Args:              cli.OneArgument("MACHINE"),
		ValidArgsFunction: source.completeMachine,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := output.CheckFormat(); err != nil {
				return err
			}
			policy, err := placement.PolicyNamed(policyName, placement.PriorDemand(), cli.PolicySeed)
			if err != nil {
				return cli.UsageErrorf("--policy: %w", err)
			}
			if !cmd.Flags().Changed("gpus") {
				return cli.UsageErrorf("--gpus is missing: how many GPUs to choose")
			}
			if gpus < 1 || gpus > topology.MaxGPUs {
				return cli.UsageErrorf("--gpus %d: want 1 to %d", gpus, topology.MaxGPUs)
			}
			c, err := source.LoadCatalogue()
			if err != nil {
				return err
			}
			machine, err := c.Machine(args[0])
			if err != nil {
				return cli.MistakenInput(err)
			}
			for _, gpu := range busy {
				if gpu < 0 || gpu >= len(machine.Node.GPUs) {
					return cli.UsageErrorf("--busy %d: the GPUs of %s are 0 to %d", gpu, machine.Name, len(machine.Node.GPUs)-1)
				}
			}
			choice, err := chooseGPUs(machine, gpus, busy, policy)
			if err != nil {
				return err
			}
			if err := output.Write(cmd.OutOrStdout(), choice, choice.writeText); err != nil {
				return err
			}
			if choice.Outcome != placement.Fits.String() {
				return cli.NothingFits{Message: choice.refusalLine()}
			}
			return nil
		},
	}
	command.Flags().IntVar(&gpus, "gpus", 0, "how many whole GPUs to choose")
	command.Flags().Var(&busy, "busy", "GPUs that are in use, by index: 0,3 or 0-3")
	command.Flags().StringVar(&policyName, "policy", placement.KeepPlaceable{}.Name(),
		"how to rank choices: "+strings.Join(cli.PolicyNames(), ", "))
	cli.CompleteFlag(command, "policy", cli.PolicyNames)
	source.AddTo(command)
	output.AddTo(command, "table, json or yaml", cli.FormatTable, cli.FormatJSON, cli.FormatYAML)
	return command
}
