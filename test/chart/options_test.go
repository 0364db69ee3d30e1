package chart

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// What each option adds to an installation in mode full.
func TestOptionsAddObjects(t *testing.T) {
	base := renderObjects(t, "mode=full")
	for name, tc := range map[string]struct {
		set  []string
		want []string
	}{
		"one replica": {[]string{"scheduler.replicas=1"}, []string{"-PodDisruptionBudget//ashlar-scheduler"}},
		"no CRDs": {[]string{"crds.install=false"}, []string{
			"-CustomResourceDefinition//noderesourcetopologies.topology.node.k8s.io", "-CustomResourceDefinition//podgroups.scheduling.x-k8s.io"}},
		"leader allocation": {[]string{"policies.leaderAllocation=true"}, []string{
			"ValidatingAdmissionPolicy//ashlar-leader-allocation", "ValidatingAdmissionPolicyBinding//ashlar-leader-allocation"}},
		"network policy": {[]string{"networkPolicy.enabled=true"}, []string{
			"NetworkPolicy//ashlar-dra-driver", "NetworkPolicy//ashlar-scheduler"}},
		"webhook": {[]string{"webhook.enabled=true"}, []string{
			"ClusterRole//ashlar-webhook", "ClusterRoleBinding//ashlar-webhook", "Deployment//ashlar-webhook",
			"MutatingWebhookConfiguration//ashlar-webhook", "PodDisruptionBudget//ashlar-webhook", "Role//ashlar-webhook",
			"RoleBinding//ashlar-webhook", "Service//ashlar-webhook", "ServiceAccount//ashlar-webhook"}},
		"webhook with cert-manager": {[]string{"webhook.enabled=true", "webhook.certManager.enabled=true"}, []string{
			"Certificate//ashlar-webhook", "ClusterRole//ashlar-webhook", "ClusterRoleBinding//ashlar-webhook", "Deployment//ashlar-webhook",
			"Issuer//ashlar-webhook", "MutatingWebhookConfiguration//ashlar-webhook", "PodDisruptionBudget//ashlar-webhook",
			"Service//ashlar-webhook", "ServiceAccount//ashlar-webhook"}},
		"metrics": {[]string{"monitoring.serviceMonitor.enabled=true"}, []string{
			"ClusterRole//ashlar-metrics-reader", "Service//ashlar-dra-driver", "Service//ashlar-scheduler",
			"ServiceMonitor//ashlar-dra-driver", "ServiceMonitor//ashlar-scheduler"}},
		"alerts": {[]string{"monitoring.prometheusRule.enabled=true"}, []string{"PrometheusRule//ashlar"}},
		"dashboards": {[]string{"monitoring.dashboards.enabled=true"}, []string{
			"ConfigMap//ashlar-dashboard-cluster", "ConfigMap//ashlar-dashboard-driver", "ConfigMap//ashlar-dashboard-scheduler"}},
	} {
		t.Run(name, func(t *testing.T) {
			objects := renderObjects(t, append(slices.Clone(tc.set), "mode=full")...)
			var got []string
			for key := range objects {
				if base[key] == nil {
					got = append(got, strings.Replace(key, "/"+namespace+"/", "//", 1))
				}
			}
			for key := range base {
				if objects[key] == nil {
					got = append(got, "-"+strings.Replace(key, "/"+namespace+"/", "//", 1))
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

// argumentsOf are the arguments of the first container of a Deployment.
func argumentsOf(t *testing.T, objects objectsByName, name string) []string {
	t.Helper()
	for key, object := range objects {
		if !strings.HasPrefix(key, "Deployment/") || !strings.HasSuffix(key, "/"+name) {
			continue
		}
		var arguments []string
		for _, argument := range nested(object, "spec", "template", "spec")["containers"].([]any)[0].(map[string]any)["args"].([]any) {
			arguments = append(arguments, argument.(string))
		}
		return arguments
	}
	t.Fatalf("there is no Deployment %s", name)
	return nil
}

// Spans are made where a collector is named, and nothing is said of them otherwise.
func TestTracingIsAsked(t *testing.T) {
	for name, tc := range map[string]struct{ set, want []string }{
		"off": {nil, nil},
		"on": {[]string{"scheduler.tracing.endpoint=collector:4317"},
			[]string{"--tracing-endpoint=collector:4317", "--tracing-sampling-rate-per-million=1000000"}},
		"some": {[]string{"scheduler.tracing.endpoint=collector:4317", "scheduler.tracing.samplingRatePerMillion=1000"},
			[]string{"--tracing-endpoint=collector:4317", "--tracing-sampling-rate-per-million=1000"}},
	} {
		got := slices.DeleteFunc(argumentsOf(t, renderObjects(t, tc.set...), "ashlar-scheduler"), func(argument string) bool {
			return !strings.HasPrefix(argument, "--tracing")
		})
		if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// With cert-manager the certificate is for the Service's names, its Secret is where the webhook reads it, and cert-manager
// is told to put the authority into the webhook's configuration.
func TestCertManagerKeepsTheCertificate(t *testing.T) {
	for name, tc := range map[string]struct {
		set        []string
		wantIssuer map[string]any
	}{
		"an issuer of its own": {wantIssuer: map[string]any{"kind": "Issuer", "name": "ashlar-webhook"}},
		"another": {
			set:        []string{"webhook.certManager.issuerName=ours", "webhook.certManager.issuerKind=ClusterIssuer"},
			wantIssuer: map[string]any{"kind": "ClusterIssuer", "name": "ours"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects := renderObjects(t, append(tc.set, "mode=full", "webhook.enabled=true", "webhook.certManager.enabled=true")...)
			configuration := objects["MutatingWebhookConfiguration//ashlar-webhook"]
			authority := nested(configuration, "metadata", "annotations")["cert-manager.io/inject-ca-from"]
			if want := namespace + "/ashlar-webhook"; authority != want {
				t.Errorf("the authority comes from %v, want %s", authority, want)
			}
			certificate := nested(objects["Certificate/"+namespace+"/ashlar-webhook"], "spec")
			if diff := cmp.Diff(tc.wantIssuer, certificate["issuerRef"]); diff != "" {
				t.Errorf("issuer (-want +got):\n%s", diff)
			}
			names := []any{"ashlar-webhook." + namespace + ".svc", "ashlar-webhook." + namespace + ".svc.cluster.local"}
			if diff := cmp.Diff(names, certificate["dnsNames"]); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			pod := nested(objects["Deployment/"+namespace+"/ashlar-webhook"], "spec", "template", "spec")
			mounted := map[string]string{} // directory to Secret
			for _, mount := range pod["containers"].([]any)[0].(map[string]any)["volumeMounts"].([]any) {
				for _, volume := range pod["volumes"].([]any) {
					secret := nested(volume.(map[string]any), "secret")
					if secret != nil && volume.(map[string]any)["name"] == mount.(map[string]any)["name"] {
						mounted[mount.(map[string]any)["mountPath"].(string)] = secret["secretName"].(string)
					}
				}
			}
			want := map[string]string{"/etc/ashlar-webhook/certificate": certificate["secretName"].(string)}
			if diff := cmp.Diff(want, mounted); diff != "" {
				t.Errorf("Secrets mounted (-want +got):\n%s", diff)
			}
			if !slices.Contains(argumentsOf(t, objects, "ashlar-webhook"), "--cert-dir=/etc/ashlar-webhook/certificate") {
				t.Error("the webhook does not read the certificate that is mounted")
			}
		})
	}
}

// With everything on, all images are of one registry and tag, and every pod that needs no
// privilege runs without any.
func TestWorkloadsAreConfined(t *testing.T) {
	objects := renderObjects(t, "mode=full", "webhook.enabled=true", "image.registry=registry.example/ours", "image.tag=v9",
		"image.pullSecrets={one}", "scheduler.tolerations[0].operator=Exists", "scheduler.nodeSelector.role=control")
	images := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		kind, _, _ := strings.Cut(key, "/")
		if kind != "Deployment" && kind != "DaemonSet" {
			continue
		}
		spec := nested(objects[key], "spec", "template", "spec")
		if len(spec["imagePullSecrets"].([]any)) != 1 {
			t.Errorf("%s has image pull secrets %v", key, spec["imagePullSecrets"])
		}
		container := spec["containers"].([]any)[0].(map[string]any)
		images[container["image"].(string)] = true
		security := container["securityContext"].(map[string]any)
		if security["readOnlyRootFilesystem"] != true {
			t.Errorf("%s may write to its root", key)
		}
		if kind == "DaemonSet" {
			continue // it creates MIG instances
		}
		if security["runAsNonRoot"] != true || security["allowPrivilegeEscalation"] != false ||
			nested(security, "seccompProfile")["type"] != "RuntimeDefault" || nested(security, "capabilities")["drop"].([]any)[0] != "ALL" {
			t.Errorf("%s runs with %v", key, security)
		}
		requests := nested(container, "resources", "requests")
		if requests["memory"] == nil || container["livenessProbe"] == nil || container["readinessProbe"] == nil {
			t.Errorf("%s lacks requests or probes", key)
		}
		if spec["topologySpreadConstraints"] == nil {
			t.Errorf("%s is not spread", key)
		}
	}
	want := []string{"registry.example/ours/ashlar-dra-driver:v9", "registry.example/ours/ashlar-scheduler:v9",
		"registry.example/ours/ashlar-webhook:v9"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(images))); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}

// nested is the map at a path of keys.
func nested(object map[string]any, keys ...string) map[string]any {
	for _, key := range keys {
		object, _ = object[key].(map[string]any)
	}
	return object
}
