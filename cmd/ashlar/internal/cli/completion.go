package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// CompleteFlag makes the shell complete a flag's value from a list of names.
func CompleteFlag(command *cobra.Command, flag string, names func() []string) {
	err := command.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names(), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(fmt.Sprintf("completion of --%s: %v", flag, err)) // the flag is not defined
	}
}

// WithPrefix keeps the names that start with start, whatever the case.
func WithPrefix(names []string, start string) []string {
	var kept []string
	for _, name := range names {
		if len(name) >= len(start) && strings.EqualFold(name[:len(start)], start) {
			kept = append(kept, name)
		}
	}
	return kept
}
