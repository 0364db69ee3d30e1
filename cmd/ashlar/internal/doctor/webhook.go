package doctor

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// checkWebhook looks for a webhook that is configured and cannot be asked: pods then pass it by.
func checkWebhook(e *Evidence) checkOutcome {
	if e.Live == nil {
		return notChecked(noSnapshot)
	}
	if e.Live.Webhooks == nil {
		return notChecked(notAllowed)
	}
	o := checkOutcome{well: "not installed, and not needed"}
	for _, configuration := range e.Live.Webhooks {
		if configuration.Name != webhookName && configuration.Labels[nameLabel] != webhookName {
			continue
		}
		o.well = "configured, trusted and answering"
		for i := range configuration.Webhooks {
			o.findings = append(o.findings, e.troubleOfWebhook(configuration, &configuration.Webhooks[i])...)
		}
	}
	return o
}

func (e *Evidence) troubleOfWebhook(of *admissionv1.MutatingWebhookConfiguration, hook *admissionv1.MutatingWebhook) []ClusterFinding {
	object := objectName("MutatingWebhookConfiguration", "", of.Name)
	effect := "pods are let through unchanged"
	if hook.FailurePolicy != nil && *hook.FailurePolicy == admissionv1.Fail {
		effect = "no pod that it is for can be created"
	}
	var found []ClusterFinding
	service := hook.ClientConfig.Service
	if service == nil {
		return nil // reached by an address, whose certificate may be anybody's
	}
	restart := fmt.Sprintf("kubectl -n %s rollout restart deployment %s", service.Namespace, webhookName)
	if problem := bundleProblem(hook.ClientConfig.CABundle, e.Live.Now); problem != "" {
		found = append(found, ClusterFinding{Severity: Broken, Object: object,
			Cause: fmt.Sprintf("its caBundle %s: the API server trusts no answer, and %s", problem, effect), Remedy: restart})
	}
	if e.Live.Endpoints != nil && !e.isAnswering(service.Namespace, service.Name) {
		found = append(found, ClusterFinding{Severity: Broken, Object: object,
			Cause: fmt.Sprintf("Service %s/%s has no ready endpoint: nobody answers, and %s", service.Namespace, service.Name, effect),
			Remedy: fmt.Sprintf("kubectl -n %s describe pods -l %s=%s; without the webhook: kubectl delete mutatingwebhookconfiguration %s",
				service.Namespace, nameLabel, webhookName, of.Name)})
	}
	return found
}

// bundleProblem says what is wrong with certificates, "" if nothing is.
func bundleProblem(bundle []byte, now time.Time) string {
	if len(bundle) == 0 {
		return "is empty"
	}
	block, _ := pem.Decode(bundle)
	if block == nil {
		return "is no PEM"
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	switch {
	case err != nil:
		return "has no certificate"
	case now.After(certificate.NotAfter):
		return "ended on " + certificate.NotAfter.UTC().Format(time.DateOnly)
	}
	return ""
}

// isAnswering reports whether a Service has a ready endpoint.
func (e *Evidence) isAnswering(namespace, service string) bool {
	for _, slice := range e.Live.Endpoints {
		if slice.Namespace != namespace || slice.Labels[discoveryv1.LabelServiceName] != service {
			continue
		}
		for i := range slice.Endpoints {
			if ready := slice.Endpoints[i].Conditions.Ready; ready == nil || *ready {
				return true
			}
		}
	}
	return false
}
