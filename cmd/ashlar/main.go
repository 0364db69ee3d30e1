// Command ashlar is the user's side of Ashlar: it shows, explains and tries out
// what the scheduler does.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newCommand().ExecuteContext(ctx); err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(os.Stderr, "ashlar: interrupted")
			os.Exit(exitInterrupted)
		}
		fmt.Fprintln(os.Stderr, "ashlar:", err)
		os.Exit(exitCode(err))
	}
}

// version is that of the module, as the Go toolchain recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

// exitInterrupted is what shells report of a program that a signal ended.
const exitInterrupted = 130

func newCommand() *cobra.Command {
	command := &cobra.Command{
		Use:           "ashlar",
		Short:         "GPU placement for Kubernetes, explained",
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          onlySubcommands,
		RunE:          help,
	}
	command.AddCommand(newDemoCommand(), newDownCommand(), newPlanCommand(), newSimulateCommand(), newTopologyCommand(), newWhatifCommand())
	markUsage(command)
	return command
}
