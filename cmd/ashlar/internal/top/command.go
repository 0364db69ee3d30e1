package top

import (
	"bytes"
	"context"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/prometheus"
)

// topFlags are the flags of top.
type topFlags struct {
	source     clustersource.Source
	scope      clustersource.Scope
	nodes      []string
	pods       bool
	watch      bool
	interval   time.Duration
	output     cli.OutputFlag
	prometheus string
}

// NewCommand is ashlar top.
func NewCommand() *cobra.Command {
	var flags topFlags
	command := &cobra.Command{
		Use:   "top",
		Short: "Show the GPUs of a cluster: what is free, and who holds the rest",
		Long: `Shows the nodes with GPUs and their models: how many GPUs there are, how many somebody
holds (ALLOCATED) and nobody does (FREE), how much memory is free, the largest MIG slice that
can still be made, and how much memory is STRANDED: free on a GPU cut by MIG, and no further
slice fits there. Unhealthy GPUs, and those of nodes that are cordoned or not ready, are not
counted as FREE. Below it is how many pods wait for GPUs, and why most of them do.

GPUs are read from ResourceSlices, of Ashlar's driver or NVIDIA's, or from what a device
plugin offers and GPU feature discovery says. --pods lists who holds what; -n shows one
namespace's pods, all are shown without it.

On a narrow terminal columns are left out, in this order: STRANDED, MEMORY, LARGEST SLICE,
ALLOCATED. -o wide has the source of each node's GPUs and its state as well.

-w shows it anew every --interval until it is interrupted: in place on a terminal, and else
below, whenever something changed.`,
		Example: `  ashlar top
  ashlar top --node gpu-node-7 --pods
  ashlar top -n training --pods -w
  ashlar top --snapshot cluster.json -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.runTop(cmd) },
	}
	set := command.Flags()
	flags.source.AddTo(command)
	flags.scope.AddTo(command)
	set.StringSliceVar(&flags.nodes, "node", nil, "show these `NODES` alone")
	set.BoolVar(&flags.pods, "pods", false, "list who holds what")
	set.StringVar(&flags.prometheus, "prometheus", "",
		"show memory promised beside used, and GPUs that are held and idle, by what DCGM exporter told the Prometheus at this `URL`")
	set.BoolVarP(&flags.watch, "watch", "w", false, "show it anew until interrupted")
	set.DurationVar(&flags.interval, "interval", 2*time.Second, "how long --watch waits")
	flags.output.AddTo(command, "table, wide, json, yaml or name",
		cli.FormatTable, cli.FormatWide, cli.FormatJSON, cli.FormatYAML, cli.FormatName)
	set.Lookup("namespace").Usage = "the namespace whose pods to show (default all)"
	return command
}

// checkFlags refuses calls that contradict themselves, before anything is read.
func (f *topFlags) checkFlags() error {
	if err := f.output.CheckFormat(); err != nil {
		return err
	}
	switch {
	case f.watch && f.source.File == "-":
		return cli.UsageErrorf("--watch reads the cluster again and again, which standard input cannot be: name a file")
	case f.watch && f.output.Format == cli.FormatYAML:
		return cli.UsageErrorf("--watch with -o yaml: want table, wide, json or name")
	case f.interval < 100*time.Millisecond:
		return cli.UsageErrorf("--interval %s: want 100ms or more", f.interval)
	}
	if err := f.scope.CheckFlags(); err != nil {
		return err
	}
	return f.source.CheckFlags()
}

func (f *topFlags) runTop(cmd *cobra.Command) error {
	if err := f.checkFlags(); err != nil {
		return err
	}
	ctx := clustersource.SilenceScheduler(cmd.Context())
	namespace := ""
	if cmd.Flags().Changed("namespace") {
		namespace = f.scope.Namespace(&f.source)
	}
	var last []byte
	for {
		var page bytes.Buffer
		width, terminal := terminalWidth(cmd.OutOrStdout())
		err := f.writeOnce(ctx, cmd.InOrStdin(), &page, namespace, width)
		if f.watch && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if !bytes.Equal(page.Bytes(), last) {
			text := page.Bytes()
			switch {
			case f.watch && terminal:
				text = append([]byte("\x1b[H\x1b[2J"), text...)
			case last != nil && f.output.Format != cli.FormatJSON:
				text = append([]byte("\n"), text...)
			}
			if _, err := cmd.OutOrStdout().Write(text); err != nil {
				return err
			}
			last = page.Bytes()
		}
		if !f.watch {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(f.interval):
		}
	}
}

func (f *topFlags) writeOnce(ctx context.Context, stdin io.Reader, w io.Writer, namespace string, width int) error {
	objects, err := f.source.ReadObjects(ctx, stdin)
	if err != nil {
		return err
	}
	report, err := AskGPUs(ctx, objects, f.nodes, namespace, f.pods)
	if err != nil {
		return err
	}
	if f.prometheus != "" {
		usage, err := prometheus.ReadUsage(ctx, f.prometheus)
		if err != nil { // what is held is known without it
			report.Notes = append(report.Notes, "what is used is not shown: "+err.Error())
		} else {
			report.addUsage(usage)
		}
	}
	if f.output.Format == cli.FormatName {
		return cli.WriteNames(w, report.nodeNames())
	}
	return f.output.Write(w, report, func(w io.Writer) error { return report.writeTable(w, f.output.IsWide(), width) })
}

// terminalWidth is how many columns w has, 0 for one that is no terminal.
func terminalWidth(w io.Writer) (width int, terminal bool) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0, true
	}
	return width, true
}
