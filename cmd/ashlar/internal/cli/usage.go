package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes, the same for every command. ExitMeanings says what each means.
const (
	ExitSuccess = 0
	ExitFailure = 1
	ExitUsage   = 2
	// ExitNothingFits is the code of an answer that is no: NothingFits and FoundTrouble.
	ExitNothingFits = 3
	// ExitInterrupted is what shells report of a program that a signal ended.
	ExitInterrupted = 130
)

// usageError is a mistake in how the command was called, as opposed to one in
// what it was called with or did.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// UsageErrorf is a mistake in how the command was called.
func UsageErrorf(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// MistakenInput makes an error about what the command was given a mistake of the caller: a name that
// there is not, or a file that cannot be read or has a mistake in it. nil stays nil.
func MistakenInput(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// FoundTrouble is the answer of a command that looks for trouble and found some.
type FoundTrouble struct{ Message string }

func (e FoundTrouble) Error() string { return e.Message }

// NothingFits is the answer no: the message says of what.
type NothingFits struct{ Message string }

func (e NothingFits) Error() string { return e.Message }

// ExitCode is the exit code for an error that a command returned.
func ExitCode(err error) int {
	switch {
	case err == nil:
		return ExitSuccess
	case errors.As(err, &usageError{}):
		return ExitUsage
	case errors.As(err, &NothingFits{}), errors.As(err, &FoundTrouble{}):
		return ExitNothingFits
	}
	return ExitFailure
}

// MarkUsageErrors makes the errors of cobra's own checks of flags and arguments, of
// command and all below it, usage errors.
func MarkUsageErrors(command *cobra.Command) {
	command.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return UsageErrorf("%w, see %s --help", err, cmd.CommandPath())
	})
	if args := command.Args; args != nil {
		command.Args = func(cmd *cobra.Command, given []string) error {
			if err := args(cmd, given); err != nil {
				return UsageErrorf("%w, see %s --help", err, cmd.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range command.Commands() {
		MarkUsageErrors(sub)
	}
}

// OnlySubcommands checks the arguments of a command that does nothing itself.
func OnlySubcommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	near := cmd.SuggestionsFor(args[0])
	if len(near) == 0 {
		return fmt.Errorf("unknown command %q", args[0])
	}
	return fmt.Errorf("unknown command %q: the nearest is %s", args[0], strings.Join(near, ", "))
}

// OneArgument checks for exactly one argument of the given name.
func OneArgument(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("want one %s, got %q", name, args)
		}
		return nil
	}
}

// ShowHelp runs a command that does nothing itself.
func ShowHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }
