package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/defrag"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/doctor"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/explain"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/machines"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/mcp"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/plan"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/simulate"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/top"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/ui"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/whatif"
	"github.com/ashlar-dev/ashlar/internal/buildinfo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command := newCommand()
	called := cli.CalledAs(os.Args[0], command.Name())
	cli.WordAs(command, called)
	command.SetArgs(cli.PluginArguments(os.Args))
	if err := command.ExecuteContext(ctx); err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(os.Stderr, "ashlar: interrupted")
			os.Exit(cli.ExitInterrupted)
		}
		fmt.Fprintln(os.Stderr, "ashlar:", cli.SayCalled(err.Error(), command.Name(), called))
		os.Exit(cli.ExitCode(err))
	}
}

// newCommand is ashlar with all its commands.
func newCommand() *cobra.Command {
	command := &cobra.Command{
		Use:           "ashlar",
		Short:         "GPU placement for Kubernetes, explained",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cli.OnlySubcommands,
		RunE:          cli.ShowHelp,
	}
	command.AddCommand(demoCommands()...)
	command.AddCommand(plan.NewCommand(), simulate.NewCommand(), machines.NewCommand(),
		whatif.NewCommand(), defrag.NewCommand(), ui.NewCommand(), top.NewCommand(), explain.NewCommand(), doctor.NewCommand(), mcp.NewCommand())
	buildinfo.AddVersion(command, func(err error) error { return cli.UsageErrorf("%w", err) })
	cli.MarkUsageErrors(command)
	cli.HelpWithExitCodes(command)
	return command
}
