package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/defrag"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/demo"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/machines"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/mcp"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/plan"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/simulate"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/whatif"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newCommand().ExecuteContext(ctx); err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(os.Stderr, "ashlar: interrupted")
			os.Exit(cli.ExitInterrupted)
		}
		fmt.Fprintln(os.Stderr, "ashlar:", err)
		os.Exit(cli.ExitCode(err))
	}
}

// moduleVersion is that of the module, as the Go toolchain recorded it.
func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

// newCommand is ashlar with all its commands.
func newCommand() *cobra.Command {
	command := &cobra.Command{
		Use:           "ashlar",
		Short:         "GPU placement for Kubernetes, explained",
		Version:       moduleVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cli.OnlySubcommands,
		RunE:          cli.ShowHelp,
	}
	command.AddCommand(demo.NewCommand(), demo.NewDownCommand(), plan.NewCommand(), simulate.NewCommand(), machines.NewCommand(),
		whatif.NewCommand(), defrag.NewCommand(), mcp.NewCommand())
	cli.MarkUsageErrors(command)
	return command
}
