package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Keys of the Secret: the pair that is served, the one that is served next, and whom to trust.
const (
	nextCertKey = "next.crt"
	nextKeyKey  = "next.key"
	bundleKey   = "ca.crt"
)

// certificateKeeper keeps the certificate in a Secret, which all replicas share. A certificate is
// replaced in three steps, so that the API server trusts each one before it meets it: the next one
// is written beside the present one; its authority is added to the webhook configuration; after a
// while it takes the place of the present one.
type certificateKeeper struct {
	options *webhookOptions
	client  client.Client
	now     func() time.Time
	serving atomic.Pointer[certificatePair]
}

func newCertificateKeeper(o *webhookOptions, c client.Client) *certificateKeeper {
	return &certificateKeeper{options: o, client: c, now: time.Now}
}

// Certificate is what the server presents.
func (k *certificateKeeper) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	pair := k.serving.Load()
	if pair == nil {
		return nil, errors.New("there is no certificate yet")
	}
	return &pair.parsed, nil
}

// checkPeriod is how often the certificate is looked at.
func (k *certificateKeeper) checkPeriod() time.Duration {
	return min(time.Minute, max(time.Second, k.options.certLifetime/60))
}

// graceTime is how long a certificate is known to the API server before it is served.
func (k *certificateKeeper) graceTime() time.Duration {
	return min(2*time.Minute, max(time.Second, k.options.certLifetime/20))
}

// Start keeps the certificate until the context ends.
func (k *certificateKeeper) Start(ctx context.Context) error {
	ticker := time.NewTicker(k.checkPeriod())
	defer ticker.Stop()
	for {
		if err := k.checkCertificate(ctx); err != nil && ctx.Err() == nil {
			klog.ErrorS(err, "The certificate could not be looked after; it is tried again", "in", k.checkPeriod())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// NeedLeaderElection says that every replica keeps the certificate.
func (k *certificateKeeper) NeedLeaderElection() bool { return false }

// checkCertificate does the step that is due, and serves what the Secret has.
func (k *certificateKeeper) checkCertificate(ctx context.Context) error {
	var err error
	for range 5 { // others write too
		if err = k.takeStep(ctx); !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return err
}

// takeStep is checkCertificate, of which a conflict is tried again.
func (k *certificateKeeper) takeStep(ctx context.Context) error {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: k.options.namespace, Name: k.options.secretName}}
	err := k.client.Get(ctx, client.ObjectKeyFromObject(secret), secret)
	missing := apierrors.IsNotFound(err)
	if err != nil && !missing {
		return fmt.Errorf("reading Secret %s/%s: %w", secret.Namespace, secret.Name, err)
	}
	now := k.now()
	current, next, err := k.planPairs(secret, now)
	if err != nil {
		return err
	}
	before := secret.DeepCopy()
	secret.Data = map[string][]byte{
		corev1.TLSCertKey: current.certificate, corev1.TLSPrivateKeyKey: current.key,
		bundleKey: joinBundle(before.Data[bundleKey], now, next, current),
	}
	if next != nil {
		secret.Data[nextCertKey], secret.Data[nextKeyKey] = next.certificate, next.key
	}
	switch {
	case missing:
		secret.Type = corev1.SecretTypeTLS
		secret.Labels = map[string]string{"app.kubernetes.io/name": "ashlar-webhook"}
		err = k.client.Create(ctx, secret)
	case !sameData(before.Data, secret.Data):
		err = k.client.Update(ctx, secret)
	}
	if err != nil {
		return fmt.Errorf("writing Secret %s/%s: %w", secret.Namespace, secret.Name, err)
	}
	if old := k.serving.Swap(current); old == nil || !bytes.Equal(old.certificate, current.certificate) {
		klog.InfoS("A certificate is served", "validUntil", current.parsed.Leaf.NotAfter, "replacedAfter", current.lifetime()*2/3)
	}
	return k.injectBundle(ctx, secret.Data[bundleKey])
}

// planPairs is which pair is to be served, and which next, nil for none yet.
func (k *certificateKeeper) planPairs(secret *corev1.Secret, now time.Time) (current, next *certificatePair, err error) {
	current, err = parsePair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil || current != nil && !current.servesNames(k.options, now) {
		klog.InfoS("The certificate in the Secret cannot be served; another is made", "reason", err)
		current = nil
	}
	next, err = parsePair(secret.Data[nextCertKey], secret.Data[nextKeyKey])
	if err != nil || next != nil && !next.servesNames(k.options, now) {
		next = nil
	}
	switch {
	case current == nil && next != nil:
		return next, nil, nil
	case current == nil:
		current, err = k.options.newPair()
		return current, nil, err
	case next == nil && current.isOld(now):
		next, err = k.options.newPair()
		return current, next, err
	case next != nil && now.After(next.madeAt().Add(k.graceTime())) && bytes.Contains(secret.Data[bundleKey], next.authorityPEM()):
		return next, nil, nil
	}
	return current, next, nil
}

func sameData(a, b map[string][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		if other, found := b[key]; !found || !bytes.Equal(value, other) {
			return false
		}
	}
	return true
}
