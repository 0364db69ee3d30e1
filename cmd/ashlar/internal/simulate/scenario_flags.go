package simulate

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/machines"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/scenariofile"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
	"github.com/ashlar-dev/ashlar/simulator/scenarios"
)

// scenarioFlags say which scenario is run, and how.
type scenarioFlags struct {
	machines.CatalogueFlags
	name    string
	variant string
	trace   traceFlags
}

func (f *scenarioFlags) addTo(command *cobra.Command) {
	set := command.Flags()
	set.StringVar(&f.name, "scenario", "", "the same as SCENARIO")
	cli.CompleteFlag(command, "scenario", scenarios.Names)
	set.StringVar(&f.variant, "variant", "", "run only this `NAME` of the scenario's variants")
	f.trace.addTo(command)
	f.AddTo(command)
}

// scenarioArgument takes one scenario at most.
func scenarioArgument(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("want one SCENARIO, got %q", args)
	}
	return nil
}

func completeScenario(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return cli.WithPrefix(scenarios.Names(), start), cobra.ShellCompDirectiveDefault
}

// loadScenario reads the scenario that the flag or argument names, with the jobs of a log if
// one is given.
func (f *scenarioFlags) loadScenario(cmd *cobra.Command, args []string) (*scenariofile.File, error) {
	s, err := f.readScenario(cmd, args)
	if err != nil {
		return nil, err
	}
	return s, f.trace.applyTo(s)
}

func (f *scenarioFlags) readScenario(cmd *cobra.Command, args []string) (*scenariofile.File, error) {
	name := cmp.Or(f.name, scenarios.Default)
	if len(args) == 1 {
		if f.name != "" {
			return nil, cli.UsageErrorf("SCENARIO %s and --scenario %s: name one", args[0], f.name)
		}
		name = args[0]
	}
	if slices.Contains(scenarios.Names(), name) {
		text, err := scenarios.Text(name)
		if err != nil {
			return nil, err
		}
		return scenariofile.Decode(name+".yaml", text)
	}
	if name != "-" && !strings.ContainsAny(name, "./\\") {
		if _, err := os.Stat(name); err != nil {
			return nil, unknownScenario(cmd, name)
		}
	}
	text, err := cli.ReadBoundedInput(cmd.InOrStdin(), name, scenariofile.MaxText)
	if err != nil {
		return nil, err
	}
	s, err := scenariofile.Decode(name, text)
	return s, cli.MistakenInput(err)
}

// unknownScenario is the error for a name that is no scenario, file or subcommand.
func unknownScenario(cmd *cobra.Command, name string) error {
	cmd.SuggestionsMinimumDistance = 2
	near := cmd.SuggestionsFor(name)
	for _, known := range scenarios.Names() {
		if strings.Contains(known, name) {
			near = append(near, known)
		}
	}
	if len(near) > 0 {
		return cli.UsageErrorf("no scenario, file or subcommand is called %q: the nearest is %s", name, strings.Join(near, ", "))
	}
	return cli.UsageErrorf("no scenario, file or subcommand is called %q: the scenarios are %s", name, strings.Join(scenarios.Names(), ", "))
}

// chosenVariants are those to run: a scenario without any is its own.
func (f *scenarioFlags) chosenVariants(s *scenariofile.File) ([]scenario.Variant, error) {
	if len(s.Variants) == 0 {
		if f.variant != "" {
			return nil, cli.UsageErrorf("--variant %s: scenario %s has no variants", f.variant, s.Name)
		}
		return []scenario.Variant{{Name: s.Name}}, nil
	}
	if f.variant == "" {
		return s.Variants, nil
	}
	var names []string
	for _, v := range s.Variants {
		if v.Name == f.variant {
			return []scenario.Variant{v}, nil
		}
		names = append(names, v.Name)
	}
	return nil, cli.UsageErrorf("--variant %s: want one of %s", f.variant, strings.Join(names, ", "))
}
