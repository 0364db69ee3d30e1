package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"strconv"
	"time"

	admissionapi "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

const (
	program   = "ashlar-webhook"
	namespace = "ashlar-system"
	// certLifetime is so short that certificates are replaced during the tests.
	certLifetime = 30 * time.Second
)

// clusterRules and ownRules are what the webhook may do in the cluster and in its namespace.
var (
	clusterRules = []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: []string{"list", "watch"}},
		{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}},
		{APIGroups: []string{"resource.k8s.io"}, Resources: []string{"resourceslices", "deviceclasses"}, Verbs: []string{"list", "watch"}},
		{APIGroups: []string{"resource.k8s.io"}, Resources: []string{"resourceclaimtemplates"},
			Verbs: []string{"list", "watch", "create", "patch", "delete"}},
		{APIGroups: []string{"admissionregistration.k8s.io"}, Resources: []string{"mutatingwebhookconfigurations"},
			ResourceNames: []string{program}, Verbs: []string{"get", "patch"}},
	}
	ownRules = []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{program + "-cert"}, Verbs: []string{"get", "update"}},
	}
)

// replicas are two processes of the webhook. The API server calls the first.
type replicas struct {
	processes []*cluster.Process
	ports     []int
}

func startReplicas(ctx context.Context) (*replicas, error) {
	if err := createRights(ctx); err != nil {
		return nil, err
	}
	kubeconfig, err := world.cluster.KubeconfigFor(ctx, namespace, program)
	if err != nil {
		return nil, err
	}
	r := &replicas{}
	for range 2 {
		var ports []int
		for range 2 {
			port, err := cluster.FreePort()
			if err != nil {
				return nil, err
			}
			ports = append(ports, port)
		}
		process, err := world.cluster.Run(ctx, program, world.cluster.Binaries().Command(program), "--kubeconfig", kubeconfig,
			"--namespace", namespace, "--bind-address", "127.0.0.1", "--port", strconv.Itoa(ports[0]), "--extra-names", "127.0.0.1",
			"--metrics-bind-address", "0", "--health-probe-bind-address", fmt.Sprintf("127.0.0.1:%d", ports[1]),
			"--cert-lifetime", certLifetime.String(), "--template-age", "3s", "--sweep-period", "1s")
		if err != nil {
			return nil, err
		}
		r.processes, r.ports = append(r.processes, process), append(r.ports, ports[0])
		if len(r.ports) == 1 {
			if err := createConfiguration(ctx, ports[0]); err != nil {
				return nil, err
			}
		}
		err = process.Until(ctx, "the webhook to be ready", func(ctx context.Context) error { return checkReady(ctx, ports[1]) })
		if err != nil {
			return nil, err
		}
	}
	return r, world.cluster.Until(ctx, "the API server to be told whom to trust", func(ctx context.Context) error {
		_, err := r.servedCertificate(ctx, 0)
		return err
	})
}

func checkReady(ctx context.Context, port int) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/readyz", port), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("readyz answers %s", response.Status)
	}
	return nil
}

// createRights gives the webhook's ServiceAccount its rights.
func createRights(ctx context.Context) error {
	account := metav1.ObjectMeta{Name: program, Namespace: namespace}
	subjects := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: program}}
	core, rbac, options := world.client.CoreV1(), world.client.RbacV1(), metav1.CreateOptions{}
	for _, create := range []func() error{
		func() error {
			_, err := core.ServiceAccounts(namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: account}, options)
			return err
		},
		func() error {
			_, err := rbac.ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: account, Rules: clusterRules}, options)
			return err
		},
		func() error {
			_, err := rbac.ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: account, Subjects: subjects,
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: program}}, options)
			return err
		},
		func() error {
			_, err := rbac.Roles(namespace).Create(ctx, &rbacv1.Role{ObjectMeta: account, Rules: ownRules}, options)
			return err
		},
		func() error {
			_, err := rbac.RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{ObjectMeta: account, Subjects: subjects,
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: program}}, options)
			return err
		},
	} {
		if err := create(); err != nil {
			return fmt.Errorf("creating the webhook's rights: %w", err)
		}
	}
	return nil
}

// createConfiguration makes the API server call. In a cluster it calls a Service.
func createConfiguration(ctx context.Context, port int) error {
	configuration := &admissionapi.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: program},
		Webhooks: []admissionapi.MutatingWebhook{{
			Name:         "pods.ashlar.dev",
			ClientConfig: admissionapi.WebhookClientConfig{URL: ptr.To(fmt.Sprintf("https://127.0.0.1:%d/mutate-pods", port))},
			Rules: []admissionapi.RuleWithOperations{{Operations: []admissionapi.OperationType{admissionapi.Create},
				Rule: admissionapi.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}}}},
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"ashlar.dev/webhook": "enabled"}},
			FailurePolicy:           ptr.To(admissionapi.Ignore),
			SideEffects:             ptr.To(admissionapi.SideEffectClassNoneOnDryRun),
			ReinvocationPolicy:      ptr.To(admissionapi.IfNeededReinvocationPolicy),
			TimeoutSeconds:          ptr.To[int32](5),
			AdmissionReviewVersions: []string{"v1"},
		}},
	}
	_, err := world.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(ctx, configuration, metav1.CreateOptions{})
	return err
}

// servedCertificate is the serial number of what a replica serves. The error says why the API server would
// not trust it.
func (r *replicas) servedCertificate(ctx context.Context, replica int) (string, error) {
	configuration, err := world.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, program, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(configuration.Webhooks[0].ClientConfig.CABundle)
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots}}
	connection, err := dialer.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", r.ports[replica]))
	if err != nil {
		return "", err
	}
	defer connection.Close()
	secured, ok := connection.(*tls.Conn)
	if !ok {
		return "", fmt.Errorf("a connection of type %T", connection)
	}
	return secured.ConnectionState().PeerCertificates[0].SerialNumber.String(), nil
}
