package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// ExitMeaning is what an exit code says.
type ExitMeaning struct {
	Code    int
	Meaning string
}

// ExitMeanings are all exit codes, in the order of their numbers.
func ExitMeanings() []ExitMeaning {
	return []ExitMeaning{
		{ExitSuccess, "yes: it was done, it fits, nothing was found broken"},
		{ExitFailure, "it failed: the API server, a file to write; the same call may work later"},
		{ExitUsage, "a mistake in the call, in a name that it uses, or in a file that it reads: trying again does not help"},
		{ExitNothingFits, "the answer is no: something does not fit, does not hold, or was found broken"},
		{ExitInterrupted, "interrupted by a signal"},
	}
}

// HelpWithExitCodes makes the help of a command and of all below it end with the exit codes.
func HelpWithExitCodes(command *cobra.Command) {
	var text strings.Builder
	text.WriteString("\nExit codes:\n")
	for _, one := range ExitMeanings() {
		fmt.Fprintf(&text, "  %-4d %s\n", one.Code, one.Meaning)
	}
	command.SetHelpTemplate(command.HelpTemplate() + text.String())
}
