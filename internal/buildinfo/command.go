package buildinfo

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

// AddVersion gives a program, by its root command, the flag --version and the command
// `version`, which print the same line; the latter knows `-o json` too. The caller's
// wrapUsage marks mistakes on the command line; nil leaves them as they are.
func AddVersion(root *cobra.Command, wrapUsage func(error) error) {
	if wrapUsage == nil {
		wrapUsage = func(err error) error { return err }
	}
	program := root.Name()
	root.Version = ReadInfo().Version // its presence makes cobra serve --version
	root.SetVersionTemplate(ReadInfo().Describe(program) + "\n")
	root.AddCommand(newVersionCommand(program, wrapUsage))
}

func newVersionCommand(program string, wrapUsage func(error) error) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version and the commit that " + program + " was built from",
		Long: "Print the version and the commit that " + program + " was built from, as " + program + " --version does.\n" +
			"A commit with -dirty behind it had changes that are in no commit.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return wrapUsage(fmt.Errorf("unexpected argument %q: version takes none", args[0]))
			}
			return nil
		},
		RunE: func(command *cobra.Command, _ []string) error {
			switch output {
			case "":
				_, err := fmt.Fprintln(command.OutOrStdout(), ReadInfo().Describe(program))
				return err
			case "json":
				text, err := json.MarshalIndent(ReadInfo(), "", "  ")
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(command.OutOrStdout(), "%s\n", text)
				return err
			}
			return wrapUsage(fmt.Errorf("--output %s: want json, or nothing for a line of text", output))
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "", "format: json (default: a line of text)")
	return command
}
