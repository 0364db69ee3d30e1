package ui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
)

// usualPort is where the page is looked for.
const usualPort = 8265

// memoryLimit is what the Go runtime is to keep to, so that the process, with the program itself,
// stays below 200 MB for a cluster of a thousand nodes.
const memoryLimit = 110 << 20

// pageFlags are the flags of ui.
type pageFlags struct {
	source clustersource.Source
	port   int
	open   bool
}

// NewCommand is ashlar ui.
func NewCommand() *cobra.Command {
	var flags pageFlags
	command := &cobra.Command{
		Use:   "ui",
		Short: "Show the GPUs of a cluster live, as a page on this machine",
		Long: `Serves a page with the GPUs of a cluster as they are now: nodes, GPUs, MIG slices,
shares and links, who holds what, the pods that wait and why. A form asks what would
become of pods, as whatif -f does. What changes in the cluster changes on the page
within a second or two.

The page is served to this machine alone (127.0.0.1), and read-only: nothing of the
cluster is changed, and Secrets are not read. It is read with the rights of the
kubeconfig: list and watch of nodes, pods, resourceslices, resourceclaims and
deviceclasses; what if lists what ashlar whatif does. Whoever has an account on this
machine can open it while it runs.

With --snapshot the page shows a file, and again when the file is written anew.

The port is 8265, or a free one where that is taken. The command ends with Ctrl-C.`,
		Example: `  ashlar ui
  ashlar ui --open
  ashlar ui --snapshot cluster.json --port 9000
  ssh -L 8265:127.0.0.1:8265 admin-host ashlar ui`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.runPage(cmd) },
	}
	set := command.Flags()
	flags.source.AddTo(command)
	set.IntVar(&flags.port, "port", usualPort, "serve on this `PORT` of 127.0.0.1; 0 for a free one")
	set.BoolVar(&flags.open, "open", false, "open the page in the browser")
	return command
}

func (f *pageFlags) runPage(cmd *cobra.Command) error {
	if err := f.source.CheckFlags(); err != nil {
		return err
	}
	if f.port < 0 || f.port > 65535 {
		return cli.UsageErrorf("--port %d: want 0 to 65535", f.port)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	ctx, cancel := context.WithCancel(clustersource.SilenceScheduler(cmd.Context()))
	defer cancel()
	listener, err := listenLoopback(f.port, cmd.Flags().Changed("port"))
	if err != nil {
		return err
	}
	defer listener.Close()
	name := f.source.ClusterName()
	remove, err := f.keepInput(cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer remove()
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("where ashlar is, to ask it what if: %w", err)
	}
	feed := newFeed()
	server := newServer(name, feed, newAsker(program, f.source.FlagArguments()))
	if err := f.followCluster(ctx, server); err != nil {
		return err
	}
	address := "http://" + listener.Addr().String() + "/"
	if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s shows the GPUs of %s, read-only; Ctrl-C ends it\n", address, name); err != nil {
		return err
	}
	if f.open {
		if err := openBrowser(ctx, address); err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "ashlar: no browser could be opened (%v): open the address above\n", err)
		}
	}
	return server.serveUntil(ctx, listener)
}

// keepInput keeps a snapshot that comes from standard input in a file, for questions about it.
func (f *pageFlags) keepInput(stdin io.Reader) (remove func(), err error) {
	if f.source.File != "-" {
		return func() {}, nil
	}
	folder, err := os.MkdirTemp("", "ashlar-ui-")
	if err != nil {
		return nil, err
	}
	remove = func() { os.RemoveAll(folder) }
	f.source.File = filepath.Join(folder, "snapshot.json")
	file, err := os.OpenFile(f.source.File, os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		_, err = io.Copy(file, stdin)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		remove()
		return nil, fmt.Errorf("keeping the snapshot of standard input: %w", err)
	}
	return remove, nil
}

// followCluster has the server's feed follow the cluster. What is wrong with reading it shows at once.
func (f *pageFlags) followCluster(ctx context.Context, server *pageServer) error {
	if f.source.File != "" {
		if err := drawSnapshot(f.source.File, server.feed, server.drawer.drawAll); err != nil {
			return err
		}
		go watchSnapshot(ctx, f.source.File, server.feed, server.drawer.drawAll)
		return nil
	}
	client, host, err := f.source.ConnectCluster()
	if err != nil {
		return err
	}
	if err := checkReadable(ctx, client); err != nil { // what is refused is said at once
		return fmt.Errorf("the API server at %s: %w", host, err)
	}
	objects := newObjects()
	server.feed.applyUpdate(&pictureUpdate{Waiting: json.RawMessage("[]"), Notes: json.RawMessage("[]")})
	go func() {
		watchObjects(ctx, client, objects, server.feed)
		server.drawer.keepDrawing(ctx, objects, server.feed)
	}()
	return nil
}

// listenLoopback listens on this machine's own address. Where the usual port is taken and no other
// was asked for, any will do.
func listenLoopback(port int, asked bool) (net.Listener, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		if !asked {
			return net.Listen("tcp", "127.0.0.1:0")
		}
		return nil, fmt.Errorf("port %d is taken: name another with --port, or 0 for a free one", port)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on 127.0.0.1: %w", err)
	}
	return listener, nil
}

// serveUntil serves until the context ends.
func (s *pageServer) serveUntil(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: s.makeRoutes(), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving the page: %w", err)
	case <-ctx.Done():
	}
	close(s.done)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if server.Shutdown(stop) != nil {
		server.Close()
	}
	return nil
}

// openBrowser opens an address in whatever the user's desktop opens addresses with.
func openBrowser(ctx context.Context, address string) error {
	program := []string{"xdg-open"}
	switch runtime.GOOS {
	case "darwin":
		program = []string{"open"}
	case "windows":
		program = []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	command := exec.CommandContext(ctx, program[0], append(program[1:], address)...)
	if err := command.Start(); err != nil {
		return err
	}
	go command.Wait() // it goes on by itself
	return nil
}
