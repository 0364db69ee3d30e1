package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	// startLimit is far more than a start takes on a busy machine.
	startLimit = 2 * time.Minute
	// componentGrace is for processes whose state is removed right after them;
	// ownGrace is for all others.
	componentGrace = time.Second
	ownGrace       = 10 * time.Second
)

// Cluster is a running control plane. It is safe for concurrent use.
type Cluster struct {
	options     Options
	dir         string
	run         *ownedRun
	credentials *clusterCredentials
	server      string // the API server's URL
	config      *rest.Config
	client      kubernetes.Interface

	mu sync.Mutex
	// processes are those that ran once and should go on, in order of their start.
	processes []*Process
	ended     bool // stopped or detached
}

// Start starts a cluster and returns once it can be used: the API server, the
// controller-manager and the scheduler are healthy, and pods can be created in
// the namespace default. The context bounds the start, not the cluster's life.
// If Start fails it leaves nothing behind.
func Start(ctx context.Context, options Options) (_ *Cluster, err error) {
	options, err = options.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("starting a cluster: %w", err)
	}
	if err := options.Binaries.Ensure(ctx, options.Progress); err != nil {
		return nil, err
	}
	if err := sweepFolder(ctx, filepath.Dir(options.Dir)); err != nil {
		options.Progress(fmt.Sprintf("cannot clear up after an earlier cluster: %v", err))
	}
	run, err := claimDirectory(ctx, options.Dir, options.Binaries.watchdogPath())
	if err != nil {
		return nil, fmt.Errorf("starting a cluster: %w", err)
	}
	c := &Cluster{options: options, dir: options.Dir, run: run}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not ready after %s", startLimit))
	defer cancel()
	if err := c.startComponents(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a cluster: %w", err), c.Stop())
	}
	return c, nil
}

// startComponents starts the components, each as soon as those it needs are ready.
func (c *Cluster) startComponents(ctx context.Context) error {
	progress := c.options.Progress
	begin := time.Now()
	var err error
	if c.credentials, err = newCredentials(filepath.Join(c.dir, "credentials")); err != nil {
		return err
	}
	if c.options.Audit {
		if err := c.writeAuditPolicy(); err != nil {
			return err
		}
	}
	progress("starting etcd and kube-apiserver " + c.options.Binaries.Kubernetes())
	store, err := c.startComponent(etcd, c.etcdFlags())
	if err != nil {
		return err
	}
	c.adoptProcess(store)
	if err := c.serveOnFreePort(ctx, apiServer, c.apiServerFlags, "/readyz"); err != nil {
		return err
	}
	if err := c.writeFiles(); err != nil {
		return err
	}

	progress("starting " + strings.Join(c.clientNames(), ", "))
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := c.serveOnFreePort(inner, controllerManager, c.controllerManagerFlags, "/healthz"); err != nil {
			return err
		}
		return c.Until(inner, "the default ServiceAccount", func(ctx context.Context) error {
			_, err := c.client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
			return err
		})
	})
	if c.options.Scheduler == StockScheduler {
		group.Go(func() error { return c.serveOnFreePort(inner, scheduler, c.schedulerFlags, "/readyz") })
	}
	if c.options.Kubelets != NoKubelets {
		kubelets, err := c.startComponent(kwok, c.kwokFlags())
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		c.adoptProcess(kubelets)
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := c.Err(); err != nil {
		return err
	}
	progress(fmt.Sprintf("the cluster is ready after %.1f s: export KUBECONFIG=%s", time.Since(begin).Seconds(), c.Kubeconfig()))
	return nil
}

// clientNames are the components other than etcd and the API server.
func (c *Cluster) clientNames() []string {
	names := []string{controllerManager}
	if c.options.Scheduler == StockScheduler {
		names = append(names, scheduler)
	}
	if c.options.Kubelets != NoKubelets {
		names = append(names, kwok)
	}
	return names
}

// writeFiles writes what the API server's clients read.
func (c *Cluster) writeFiles() error {
	for id, token := range c.credentials.token {
		if err := c.writeKubeconfig(id, metav1.NamespaceDefault, token); err != nil {
			return err
		}
	}
	for path, text := range map[string][]byte{
		c.schedulerConfigPath(): []byte(c.schedulerConfig()),
		c.stagesPath():          stages,
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return fmt.Errorf("writing configuration: %w", err)
		}
	}
	return nil
}

// serveOnFreePort starts a component that listens on a port and waits until it is healthy.
// If somebody else takes the port first it tries another.
func (c *Cluster) serveOnFreePort(ctx context.Context, name string, flags func(port int) []string, healthPath string) error {
	for attempt := 1; ; attempt++ {
		port, err := FreePort()
		if err != nil {
			return err
		}
		p, err := c.startComponent(name, flags(port))
		if err != nil {
			return err
		}
		server := fmt.Sprintf("https://127.0.0.1:%d", port)
		if name == apiServer {
			err = c.connectClients(server)
		}
		if err == nil {
			err = c.checkHealth(ctx, p, server+healthPath)
		}
		if err == nil {
			c.adoptProcess(p)
			return nil
		}
		err = errors.Join(err, p.Stop())
		if attempt == portAttempts || !p.lostPort() {
			return err
		}
	}
}

// checkHealth waits until a process answers at a URL. Whoever else may have taken
// its port in the meantime has no certificate of this cluster.
func (c *Cluster) checkHealth(ctx context.Context, p *Process, url string) error {
	client, err := rest.HTTPClientFor(c.config)
	if err != nil {
		return fmt.Errorf("making a client for %s: %w", p.Name(), err)
	}
	failed := func() error {
		if err := p.Err(); err != nil {
			return err
		}
		return c.Err()
	}
	return waitUntil(ctx, p.Name()+" to be healthy", failed, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		if err := response.Body.Close(); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, response.Status)
		}
		return nil
	})
}

// connectClients makes the clients with which this process speaks to the API server.
func (c *Cluster) connectClients(server string) error {
	c.server = server
	c.config = &rest.Config{
		Host:            server,
		BearerToken:     c.credentials.token[admin],
		TLSClientConfig: rest.TLSClientConfig{CAData: c.credentials.ca},
		QPS:             -1, // without limit
	}
	config := c.RESTConfig()
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.ContentType = runtime.ContentTypeProtobuf
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client for the API server: %w", err)
	}
	c.client = client
	return nil
}

// startComponent starts a component of Kubernetes or KWOK in the state directory.
func (c *Cluster) startComponent(name string, flags []string) (*Process, error) {
	flags = append(flags, c.options.Flags[name]...)
	if name != kwok {
		flags = append([]string{name}, flags...)
	}
	command := exec.Command(c.options.Binaries.componentPath(name), flags...)
	command.Dir = c.dir
	command.Env = c.privateEnviron()
	grace := componentGrace
	if c.options.Keep {
		grace = ownGrace
	}
	return launchProcess(name, c.logPath(name), grace, command)
}

// privateEnviron is the environment of a program that must not read the user's
// own Kubernetes configuration.
func (c *Cluster) privateEnviron() []string {
	return append(os.Environ(), "HOME="+c.dir, "KUBECONFIG="+c.Kubeconfig(), c.run.record.Mark.Env())
}

func (c *Cluster) logPath(name string) string {
	return filepath.Join(c.dir, "logs", name+".log")
}

// adoptProcess makes a process one that the cluster needs and that Stop ends.
func (c *Cluster) adoptProcess(p *Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.processes = append(c.processes, p)
}

// Run starts a program of ours that belongs to the cluster: it ends with it, and
// its output is in the log of that name. The context bounds the start only. The
// program finds the API server by KUBECONFIG, as administrator; to run it as a
// ServiceAccount pass it the file of KubeconfigFor.
func (c *Cluster) Run(ctx context.Context, name, command string, args ...string) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil, fmt.Errorf("starting %s: the cluster has been stopped", name)
	}
	child := exec.Command(command, args...)
	child.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig(), c.run.record.Mark.Env())
	p, err := launchProcess(name, c.logPath(name), ownGrace, child)
	if err != nil {
		return nil, err
	}
	c.processes = append(c.processes, p)
	return p, nil
}

// Kubectl runs kubectl as administrator and returns what it prints.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, c.options.Binaries.ControlPlane(), append([]string{"kubectl"}, args...)...)
	command.Env = c.privateEnviron()
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return stdout.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// RESTConfig returns a configuration for clients as administrator, without a
// limit on their rate. The caller may change it.
func (c *Cluster) RESTConfig() *rest.Config { return rest.CopyConfig(c.config) }

// Dir returns the state directory.
func (c *Cluster) Dir() string { return c.dir }

// Binaries returns the programs of the checkout that the cluster runs from.
func (c *Cluster) Binaries() *Binaries { return c.options.Binaries }

// Processes returns the components and the processes of Run, also ended ones.
func (c *Cluster) Processes() []*Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.processes)
}

// Err says which process has ended although nobody stopped it, if one has.
func (c *Cluster) Err() error {
	for _, p := range c.Processes() {
		if err := p.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Until calls ready until it returns nil. It gives up when a process of the
// cluster ends or the context does; what says in the error what was waited for.
func (c *Cluster) Until(ctx context.Context, what string, ready func(context.Context) error) error {
	return waitUntil(ctx, what, c.Err, ready)
}

// Stop ends all processes, in reverse order of their start, and removes the
// state directory, unless Options.Keep. Stopping an ended or detached cluster
// does nothing.
func (c *Cluster) Stop() error {
	processes := c.endProcesses()
	if processes == nil {
		return nil
	}
	var errs []error
	for _, p := range slices.Backward(processes) {
		errs = append(errs, p.Stop())
	}
	errs = append(errs, c.run.endRun(context.Background(), c.options.Keep))
	return errors.Join(errs...)
}

// Detach leaves the cluster running for good, also when this process ends, until
// Down is called with Dir.
func (c *Cluster) Detach() error {
	if c.endProcesses() == nil {
		return errors.New("detaching a cluster that has been stopped")
	}
	if err := c.run.detachRun(); err != nil {
		return fmt.Errorf("detaching the cluster in %s: %w", c.dir, err)
	}
	return nil
}

// endProcesses marks the cluster as no longer ours and returns its processes, or nil if
// that was done before.
func (c *Cluster) endProcesses() []*Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil
	}
	c.ended = true
	return append([]*Process{}, c.processes...)
}
