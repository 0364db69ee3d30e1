package mcp

import (
	"context"
	"io"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
)

// maxMessage bounds one message of the client, in bytes: a manifest of the largest size and
// what JSON adds to it.
const maxMessage = 4 << 20

// NewCommand is ashlar mcp.
func NewCommand() *cobra.Command {
	var source clustersource.Source
	command := &cobra.Command{
		Use:   "mcp",
		Short: "Answer questions of an assistant as a Model Context Protocol server",
		Long: `Serves the Model Context Protocol on standard input and output, for an assistant that
starts this command by itself. Its tools only read:

  plan     which GPUs, MIG slices and shares serve a model, as ashlar plan does
  whatif   where pods would go in the cluster, and why others would wait, as ashlar whatif
  top      what every GPU of the cluster holds, as ashlar top
  explain  why a pod waits, or what it has, as ashlar explain
  doctor   what is wrong with the cluster for placing GPU pods, as ashlar doctor

The cluster is that of the kubeconfig, read anew for each question, or with --snapshot a
file, which ashlar whatif --save writes. Answers have names of nodes and pods in them, and
go to whoever runs the assistant's model: a snapshot keeps a cluster out of it.`,
		Example: `  ashlar mcp
  ashlar mcp --snapshot cluster.json
  claude mcp add ashlar -- ashlar mcp --context prod`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if source.File == "-" {
				return cli.UsageErrorf("--snapshot -: standard input is the client's; name a file")
			}
			if err := source.CheckFlags(); err != nil {
				return err
			}
			return serveTools(cmd.Context(), &source, cmd.Root().Version, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	source.AddTo(command)
	return command
}

// serveTools answers a client until it hangs up or ctx ends.
func serveTools(ctx context.Context, source *clustersource.Source, version string, in io.Reader, out io.Writer) error {
	server := sdk.NewServer(&sdk.Implementation{Name: "ashlar", Title: "Ashlar, a GPU scheduler for Kubernetes", Version: version},
		&sdk.ServerOptions{
			Instructions: "plan says which GPUs a model fits, from a catalogue and without a cluster. whatif runs the scheduler on a copy " +
				"of the cluster, top shows its GPUs, explain one pod, doctor what is wrong. All only read. Memory is in bytes, and prices are in " +
				"millionths of a dollar an hour.",
			Capabilities: &sdk.ServerCapabilities{},
		})
	addTools(server, source)
	return server.Run(ctx, &sdk.IOTransport{Reader: io.NopCloser(in), Writer: nopWriteCloser{out}, MaxLineLength: maxMessage})
}

// nopWriteCloser leaves standard output open.
type nopWriteCloser struct{ io.Writer }

// Close implements io.Closer.
func (nopWriteCloser) Close() error { return nil }
