package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"

	admissionapi "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func testOptions() *webhookOptions {
	return &webhookOptions{namespace: "ashlar-system", serviceName: "ashlar-webhook", secretName: "ashlar-webhook-cert",
		configuration: "ashlar-webhook", certLifetime: 30 * 24 * time.Hour, extraNames: []string{"127.0.0.1"}}
}

// fakeCluster is an API server with the webhook's configuration.
func fakeCluster() client.Client {
	return fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(&admissionapi.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "ashlar-webhook"}, Webhooks: []admissionapi.MutatingWebhook{{Name: "pods.ashlar.dev"}},
	}).Build()
}

// trusts reports whether the API server would take what a replica serves.
func trusts(t *testing.T, c client.Client, k *certificateKeeper, now time.Time) bool {
	t.Helper()
	var configuration admissionapi.MutatingWebhookConfiguration
	if err := c.Get(context.Background(), client.ObjectKey{Name: "ashlar-webhook"}, &configuration); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(configuration.Webhooks[0].ClientConfig.CABundle)
	certificate, err := k.Certificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ashlar-webhook.ashlar-system.svc", "127.0.0.1"} {
		if _, err := certificate.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: now}); err != nil {
			t.Logf("%s: %v", name, err)
			return false
		}
	}
	return true
}

// With three replicas that look at different times, the API server trusts at each moment what each of
// them serves, while certificates grow old and are replaced.
func TestCertificatesRotateWithoutAGap(t *testing.T) {
	c, now := fakeCluster(), time.Now()
	clock := func() time.Time { return now }
	var keepers []*certificateKeeper
	for range 3 {
		k := newCertificateKeeper(testOptions(), c)
		k.now = clock
		keepers = append(keepers, k)
		if err := k.checkCertificate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// Pairs are made by the machine's clock, so that time goes forward and back again here.
	served := map[string]bool{}
	for step := range 8 {
		for i, k := range keepers {
			if err := k.checkCertificate(t.Context()); err != nil {
				t.Fatal(err)
			}
			for j, other := range keepers {
				if !trusts(t, c, other, now) {
					t.Fatalf("step %d: replica %d is not trusted after replica %d looked", step, j, i)
				}
			}
			served[string(k.serving.Load().certificate)] = true
		}
		now = now.Add(20*24*time.Hour + time.Hour)
		if step%2 == 1 {
			now = time.Now()
		}
	}
	if len(served) < 2 {
		t.Errorf("%d certificates were served, want more than one", len(served))
	}
}

// A certificate that cannot be served is replaced at once: none, nonsense, other names, expired.
func TestUselessCertificatesAreReplaced(t *testing.T) {
	other := testOptions()
	other.serviceName = "another"
	foreign, err := other.newPair()
	if err != nil {
		t.Fatal(err)
	}
	short := testOptions()
	short.certLifetime = -time.Minute
	expired, err := short.newPair()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]map[string][]byte{
		"empty":   nil,
		"rubbish": {corev1.TLSCertKey: []byte("x"), corev1.TLSPrivateKeyKey: []byte("y")},
		"foreign": {corev1.TLSCertKey: foreign.certificate, corev1.TLSPrivateKeyKey: foreign.key},
		"expired": {corev1.TLSCertKey: expired.certificate, corev1.TLSPrivateKeyKey: expired.key},
	} {
		t.Run(name, func(t *testing.T) {
			c := fakeCluster()
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ashlar-system", Name: "ashlar-webhook-cert"}, Data: data}
			if err := c.Create(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
			k := newCertificateKeeper(testOptions(), c)
			if err := k.checkCertificate(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !trusts(t, c, k, time.Now()) {
				t.Error("what is served is not trusted")
			}
			if bytes.Equal(k.serving.Load().certificate, data[corev1.TLSCertKey]) {
				t.Error("it is served all the same")
			}
		})
	}
}

func TestServerNames(t *testing.T) {
	host, names, addresses := testOptions().serverNames()
	if host != "ashlar-webhook.ashlar-system.svc" || len(names) != 2 || len(addresses) != 1 || !addresses[0].Equal(net.IPv4(127, 0, 0, 1)) {
		t.Errorf("%s, %v, %v", host, names, addresses)
	}
}
