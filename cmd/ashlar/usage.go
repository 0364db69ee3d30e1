package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitFailure = 1
	exitUsage   = 2
)

// usageError is a mistake in how the command was called, as opposed to one in
// what it was called with or did.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitCode is the exit code for an error that a command returned.
func exitCode(err error) int {
	if errors.As(err, &usageError{}) {
		return exitUsage
	}
	if errors.As(err, &nothingFits{}) {
		return exitNothingFits
	}
	return exitFailure
}

// markUsage makes the errors of cobra's own checks of flags and arguments, of
// command and all below it, usage errors.
func markUsage(command *cobra.Command) {
	command.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w, see %s --help", err, cmd.CommandPath())
	})
	if args := command.Args; args != nil {
		command.Args = func(cmd *cobra.Command, given []string) error {
			if err := args(cmd, given); err != nil {
				return usagef("%w, see %s --help", err, cmd.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range command.Commands() {
		markUsage(sub)
	}
}

// onlySubcommands checks the arguments of a command that does nothing itself.
func onlySubcommands(cmd *cobra.Command, args []string) error {
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

// oneArgument checks for exactly one argument of the given name.
func oneArgument(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("want one %s, got %q", name, args)
		}
		return nil
	}
}

func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }
