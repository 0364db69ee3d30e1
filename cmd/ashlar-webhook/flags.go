package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/internal/buildinfo"
	"github.com/ashlar-dev/ashlar/plugins/admission"
)

// webhookOptions are the flags.
type webhookOptions struct {
	kubeconfig, namespace                  string
	serviceName, secretName, configuration string
	certDir, bindAddress                   string
	port                                   int
	extraNames                             []string
	metricsAddress, probeAddress           string
	schedulerName                          string
	certLifetime                           time.Duration
	templateAge, sweepPeriod               time.Duration
}

func newCommand() *cobra.Command {
	var o webhookOptions
	command := &cobra.Command{
		Use:   "ashlar-webhook",
		Short: "Give pods of other GPU schedulers, and pods that name only a model, claims that mean the same",
		Long: `Review new pods in namespaces with the label ashlar.dev/webhook=enabled.

Pods that are written for KAI, HAMi, Volcano or Koordinator keep their keys and get the
claim that means the same; pods that name only their model get a claim of the GPUs, slices
and shares on which it fits. What was changed is in the annotation ashlar.dev/admission.
What the scheduler would refuse, as far as a pod tells, is a warning to its author.

Pods whose keys contradict one another are refused. Whatever goes wrong otherwise, the pod
is created as it was.

The certificate is made here, kept in a Secret, replaced before it expires, and made known to
the API server in the webhook configuration; with --cert-dir it is read from files that
somebody else keeps, such as cert-manager, who then also writes the configuration's caBundle.`,
		Example: `  # in a pod of a Deployment
  ashlar-webhook --namespace ashlar-system
  # with the files of a Certificate of cert-manager
  ashlar-webhook --cert-dir /etc/ashlar-webhook/certificate`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := o.validateFlags(); err != nil {
				return usageError{err}
			}
			return o.serveWebhook(command.Context())
		},
	}
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	o.addFlags(command)
	buildinfo.AddVersion(command, func(err error) error { return usageError{err} })
	return command
}

func (o *webhookOptions) addFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "file with the API server's address and credentials (default: those of the pod)")
	flags.StringVar(&o.namespace, "namespace", cmp.Or(os.Getenv("POD_NAMESPACE"), "ashlar-system"),
		"namespace of the Service and the Secret (default: the environment's POD_NAMESPACE, or ashlar-system)")
	flags.IntVar(&o.port, "port", 9443, "port on which pods are reviewed, over HTTPS")
	flags.StringVar(&o.bindAddress, "bind-address", "", "address on which pods are reviewed (default: all)")
	flags.StringVar(&o.serviceName, "service-name", "ashlar-webhook", "Service by which the API server calls, for the certificate's names")
	flags.StringSliceVar(&o.extraNames, "extra-names", nil, "further names and IP addresses for the certificate, separated by commas")
	flags.StringVar(&o.configuration, "webhook-configuration", "ashlar-webhook",
		"MutatingWebhookConfiguration that is told whom to trust")
	flags.StringVar(&o.certDir, "cert-dir", "", "directory with tls.crt and tls.key (default: they are made here, and kept in a Secret)")
	flags.StringVar(&o.secretName, "cert-secret", "ashlar-webhook-cert", "Secret in which a certificate is kept that is made here")
	flags.DurationVar(&o.certLifetime, "cert-lifetime", 90*24*time.Hour,
		"how long a certificate that is made here is valid; it is replaced after two thirds of that")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", ":8080", "address of /metrics; 0 for none")
	flags.StringVar(&o.probeAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	flags.StringVar(&o.schedulerName, "scheduler-name", admission.SchedulerName, "what spec.schedulerName becomes of pods that get a claim")
	flags.DurationVar(&o.templateAge, "template-age", time.Hour,
		"how long a ResourceClaimTemplate that was made here stays after it was last wanted, once no pod names it")
	flags.DurationVar(&o.sweepPeriod, "sweep-period", 10*time.Minute, "how often such templates are looked for")
	logging := flag.NewFlagSet("", flag.ContinueOnError)
	klog.InitFlags(logging)
	flags.AddGoFlag(logging.Lookup("v"))
	flags.AddGoFlag(logging.Lookup("vmodule"))
}

// shortestLifetime leaves time to make a certificate known before it is used.
const shortestLifetime = 10 * time.Second

// validateFlags finds values that cannot be meant.
func (o *webhookOptions) validateFlags() error {
	switch {
	case o.port < 1 || o.port > 65535:
		return fmt.Errorf("--port %d: want 1 to 65535", o.port)
	case o.namespace == "" || o.serviceName == "" || o.configuration == "" || o.secretName == "":
		return errors.New("--namespace, --service-name, --webhook-configuration and --cert-secret must not be empty")
	case o.schedulerName == "":
		return errors.New("--scheduler-name must not be empty")
	case o.certLifetime < shortestLifetime:
		return fmt.Errorf("--cert-lifetime %s: want %s or more", o.certLifetime, shortestLifetime)
	case o.templateAge <= 0 || o.sweepPeriod <= 0:
		return errors.New("--template-age and --sweep-period must be more than 0")
	}
	return nil
}

// serverNames are the names and addresses under which the API server may call.
func (o *webhookOptions) serverNames() (host string, names []string, addresses []net.IP) {
	host = o.serviceName + "." + o.namespace + ".svc"
	names = []string{o.serviceName + "." + o.namespace, host + ".cluster.local"}
	for _, extra := range o.extraNames {
		if ip := net.ParseIP(extra); ip != nil {
			addresses = append(addresses, ip)
		} else {
			names = append(names, extra)
		}
	}
	return host, names, addresses
}
