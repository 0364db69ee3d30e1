package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// seed makes the random policy choose the same every time.
const seed = 1

func policyNames() []string {
	var names []string
	for _, policy := range placement.Policies(placement.PriorDemand(), seed) {
		names = append(names, policy.Name())
	}
	return names
}

func newTopologyChooseCommand() *cobra.Command {
	var source catalogueFlags
	var output outputFlag
	var gpus int
	var busy gpuList
	var policyName string
	command := &cobra.Command{
		Use:   "choose MACHINE --gpus K",
		Short: "Say which whole GPUs of a machine a request gets, and if none, why",
		Long: `Asks the scheduler's placement code which K whole GPUs of a machine a pod gets
while some are busy, and compares the bandwidth of the set's best ring with the
best on the empty machine and with the first K free GPUs. Without a choice it
says why and what would fit, and exits with 1.`,
		Example: `  ashlar topology choose dgx1-v100 --gpus 4 --busy 0,3
  ashlar topology choose 8xA100-pcie-oddpairs --gpus 2 --policy first-fit`,
		Args:              oneArgument("MACHINE"),
		ValidArgsFunction: source.completeMachine,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := output.check(); err != nil {
				return err
			}
			policy, err := placement.PolicyNamed(policyName, placement.PriorDemand(), seed)
			if err != nil {
				return usagef("--policy: %w", err)
			}
			if !cmd.Flags().Changed("gpus") {
				return usagef("--gpus is missing: how many GPUs to choose")
			}
			if gpus < 1 || gpus > topology.MaxGPUs {
				return usagef("--gpus %d: want 1 to %d", gpus, topology.MaxGPUs)
			}
			c, err := source.load()
			if err != nil {
				return err
			}
			machine, err := c.Machine(args[0])
			if err != nil {
				return err
			}
			for _, gpu := range busy {
				if gpu < 0 || gpu >= len(machine.Node.GPUs) {
					return usagef("--busy %d: the GPUs of %s are 0 to %d", gpu, machine.Name, len(machine.Node.GPUs)-1)
				}
			}
			choice, err := choose(machine, gpus, busy, policy)
			if err != nil {
				return err
			}
			if err := output.write(cmd.OutOrStdout(), choice, choice.writeText); err != nil {
				return err
			}
			if choice.Outcome != placement.Fits.String() {
				return errors.New(choice.summary())
			}
			return nil
		},
	}
	command.Flags().IntVar(&gpus, "gpus", 0, "how many whole GPUs to choose")
	command.Flags().Var(&busy, "busy", "GPUs that are in use, by index: 0,3 or 0-3")
	command.Flags().StringVar(&policyName, "policy", placement.KeepPlaceable{}.Name(), "how to rank choices: "+strings.Join(policyNames(), ", "))
	completeFlag(command, "policy", policyNames)
	source.add(command)
	output.add(command)
	return command
}
