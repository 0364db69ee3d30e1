package simulate

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/scenariofile"
	"github.com/ashlar-dev/ashlar/simulator/scenarios"
)

func newListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [NAME]",
		Short: "List the scenarios that are part of the program, or print one",
		Example: `  ashlar simulate list
  ashlar simulate list mig-mix > my-cluster.yaml`,
		Args:              scenarioArgument,
		ValidArgsFunction: completeScenario,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				text, err := scenarios.Text(args[0])
				if err != nil {
					return cli.UsageErrorf("%w", err)
				}
				_, err = cmd.OutOrStdout().Write(text)
				return err
			}
			p := cli.NewPage(cmd.OutOrStdout())
			for i, name := range scenarios.Names() {
				text, err := scenarios.Text(name)
				if err != nil {
					return err
				}
				s, err := scenariofile.Decode(name+".yaml", text)
				if err != nil {
					return err
				}
				if i > 0 {
					p.Printf("\n")
				}
				mark := ""
				if name == scenarios.Default {
					mark = " (run if none is named)"
				}
				p.Printf("%s%s\n", name, mark)
				for _, line := range cli.WrapText(s.About, cli.PageWidth-2) {
					p.Printf("  %s\n", line)
				}
				if len(s.Variants) > 0 {
					var names []string
					for _, v := range s.Variants {
						names = append(names, v.Name)
					}
					p.Printf("  variants: %s\n", strings.Join(names, ", "))
				}
			}
			return p.Err()
		},
	}
}
