package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	podadmission "github.com/ashlar-dev/ashlar/plugins/admission"
)

// reviewPath is where the API server posts pods.
const reviewPath = "/mutate-pods"

// serveWebhook serves until the context ends.
func (o *webhookOptions) serveWebhook(ctx context.Context) error {
	ctrl.SetLogger(klog.NewKlogr())
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return fmt.Errorf("reading credentials: %w", err)
	}
	config = rest.AddUserAgent(config, "ashlar-webhook")
	config.QPS, config.Burst = 50, 100
	direct, err := client.New(config, client.Options{Scheme: scheme.Scheme})
	if err != nil {
		return fmt.Errorf("reaching the API server: %w", err)
	}
	var keeper *certificateKeeper
	if o.certDir == "" {
		keeper = newCertificateKeeper(o, direct)
		if err := keeper.waitCertificate(ctx); err != nil {
			return err
		}
	}
	server, err := o.newServer(keeper)
	if err != nil {
		return err
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme.Scheme, Cache: cacheOptions(), WebhookServer: server,
		Metrics: metricsserver.Options{BindAddress: o.metricsAddress}, HealthProbeBindAddress: o.probeAddress,
	})
	if err != nil {
		return err
	}
	if err := o.addParts(ctx, manager, direct, keeper); err != nil {
		return err
	}
	return manager.Start(ctx)
}

// newServer is what pods are posted to. Its certificate is the keeper's, or, without one, that of the
// files in the directory, which are read again when they change.
func (o *webhookOptions) newServer(keeper *certificateKeeper) (webhook.Server, error) {
	options := webhook.Options{Host: o.bindAddress, Port: o.port, CertDir: o.certDir}
	if keeper != nil {
		options.TLSOpts = []func(*tls.Config){func(c *tls.Config) { c.GetCertificate = keeper.Certificate }}
		return webhook.NewServer(options), nil
	}
	certificate, key := filepath.Join(o.certDir, corev1.TLSCertKey), filepath.Join(o.certDir, corev1.TLSPrivateKeyKey)
	if _, err := tls.LoadX509KeyPair(certificate, key); err != nil {
		return nil, fmt.Errorf("--cert-dir %s: want %s and %s that belong together, as a Secret of type %s has them: %w",
			o.certDir, corev1.TLSCertKey, corev1.TLSPrivateKeyKey, corev1.SecretTypeTLS, err)
	}
	return webhook.NewServer(options), nil
}

// firstCertificate is how long the first certificate may take.
const firstCertificate = time.Minute

// waitCertificate makes or reads the first certificate: without one, there is nothing to serve.
func (k *certificateKeeper) waitCertificate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, firstCertificate)
	defer cancel()
	for {
		err := k.checkCertificate(ctx)
		if k.serving.Load() != nil {
			return nil // the rest is tried again later
		}
		klog.ErrorS(err, "There is no certificate yet; it is tried again")
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}

// addParts adds what the manager runs.
func (o *webhookOptions) addParts(ctx context.Context, manager ctrl.Manager, direct client.Client, keeper *certificateKeeper) error {
	for _, object := range cachedObjects() { // so that they are there before the first pod
		if _, err := manager.GetCache().GetInformer(ctx, object); err != nil {
			return fmt.Errorf("watching %T: %w", object, err)
		}
	}
	templates := &templateKeeper{client: manager.GetClient(), direct: direct, age: o.templateAge, period: o.sweepPeriod, now: time.Now}
	if err := manager.Add(templates); err != nil {
		return err
	}
	if keeper != nil {
		if err := manager.Add(keeper); err != nil {
			return err
		}
	}
	manager.GetWebhookServer().Register(reviewPath, &webhook.Admission{Handler: &podHandler{
		view: &clusterView{reader: manager.GetClient()}, templates: templates,
		options: podadmission.Options{Scheduler: o.schedulerName},
	}})
	if err := manager.AddHealthzCheck("serving", func(*http.Request) error { return nil }); err != nil {
		return err
	}
	started := manager.GetWebhookServer().StartedChecker()
	return manager.AddReadyzCheck("serving", func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), time.Second)
		defer cancel()
		if !manager.GetCache().WaitForCacheSync(ctx) {
			return fmt.Errorf("what is known of the cluster is not complete yet")
		}
		return started(request)
	})
}
