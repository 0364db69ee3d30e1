package lifecycle

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

// rareCalls are permissions that the run below does not need, with the reason why each is there.
var rareCalls = map[string]map[string]string{
	schedulerName: {
		"patch events":                                      "an event that is repeated for minutes becomes a series",
		"patch events.events.k8s.io":                        "an event that is repeated for minutes becomes a series",
		"update pods/finalizers":                            "asked by admission plugin OwnerReferencesPermissionEnforcement when a claim is made",
		"get pods":                                          "read back where a pod may be bound although the answer to that was lost",
		"get resourceclaims.resource.k8s.io":                "read again after a conflict, and where another scheduler allocates the same device",
		"delete resourceclaims.resource.k8s.io":             "the claim of an extended resource whose pod was not bound after all",
		"patch resourceclaims/status.resource.k8s.io":       "a reservation is taken back when its pod was not bound after all",
		"update resourceclaims/binding.resource.k8s.io":     "asked by the API server itself of whoever updates an allocation: not a call",
		"patch resourceclaims/binding.resource.k8s.io":      "asked by the API server itself of whoever patches a reservation: not a call",
		"list noderesourcetopologies.topology.node.k8s.io":  "for plugin NodeResourceTopologyMatch, which a configuration may enable",
		"watch noderesourcetopologies.topology.node.k8s.io": "for plugin NodeResourceTopologyMatch, which a configuration may enable",
	},
	// What the driver does for a kubelet is done on a real node, with this account, by test/e2e.
	driverName: {
		"get resourceclaims.resource.k8s.io":                                         "when the kubelet has a claim prepared",
		"patch resourceclaims/status.resource.k8s.io":                                "the health of devices that are held",
		"associated-node:patch resourceclaims/driver.resource.k8s.io gpu.ashlar.dev": "asked by the API server itself for that: not a call",
		"get pods":                              "an MPS control daemon",
		"list pods":                             "MPS control daemons that are left over",
		"create pods":                           "an MPS control daemon",
		"delete pods":                           "an MPS control daemon",
		"create events":                         "why nothing is published",
		"patch events":                          "why nothing is published, repeated",
		"update resourceslices.resource.k8s.io": "GPUs that changed",
		"delete resourceslices.resource.k8s.io": "GPUs that are gone",
	},
	webhookName: {
		"update secrets ashlar-webhook-cert": "when the certificate is replaced, after two thirds of its 90 days",
	},
}

// permission is that of one verb on the objects of one resource, of one name if it has one.
type permission struct {
	verb, group, resource, name string
}

func (p permission) String() string {
	text := p.verb + " " + p.resource
	if p.group != "" {
		text += "." + p.group
	}
	if p.name != "" {
		text += " " + p.name
	}
	return text
}

// comparePermissions runs what makes the accounts ask for what they may, and compares.
func comparePermissions(t *testing.T, w *chartWorld, chart string) {
	exerciseWebhook(t, w, chart)
	exerciseAccounts(t, w)
	calls, err := w.cluster.AuditedCalls()
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{schedulerName, driverName, webhookName} {
		t.Run(account, func(t *testing.T) {
			used := recordedPermissions(t, calls, account)
			t.Logf("%d calls needed %d permissions", len(calls), len(used))
			checkUnused(t, w, account, used)
		})
	}
}

// recordedPermissions are those that an account used; a call that was denied is an error.
func recordedPermissions(t *testing.T, calls []cluster.AuditedCall, account string) map[permission]int {
	t.Helper()
	used := map[permission]int{}
	for _, call := range calls {
		if call.User.Username != "system:serviceaccount:"+namespace+":"+account || call.Object == nil {
			continue
		}
		resource := call.Object.Resource
		if call.Object.Subresource != "" {
			resource += "/" + call.Object.Subresource
		}
		p := permission{call.Verb, call.Object.APIGroup, resource, call.Object.Name}
		if call.IsDenied() || call.Status.Code == http.StatusForbidden && !strings.Contains(call.Status.Message, "being terminated") {
			t.Errorf("denied: %s: %s", p, call.Status.Message)
			continue
		}
		used[p]++
	}
	return used
}

// checkUnused finds what kubectl auth can-i --list shows for an account, beyond what every account
// has, that was not used.
func checkUnused(t *testing.T, w *chartWorld, account string, used map[permission]int) {
	t.Helper()
	rare := maps.Clone(rareCalls[account])
	granted := map[permission]bool{}
	for _, space := range []string{namespace, "kube-system", "default"} {
		everybody := allowedTo(t, w.cluster, "nobody", space)
		for p := range allowedTo(t, w.cluster, account, space) {
			if !everybody[p] {
				granted[p] = true
			}
		}
	}
	if len(granted) == 0 {
		t.Fatal("nothing is granted")
	}
	for _, p := range slices.SortedFunc(maps.Keys(granted), func(a, b permission) int { return cmp.Compare(a.String(), b.String()) }) {
		if p.verb == "*" || p.resource == "*" || p.group == "*" {
			t.Errorf("%s is granted: name what is needed", p)
		}
		_, documented := rare[p.String()]
		delete(rare, p.String())
		// What is watched is listed by servers that do not send the list with the watch.
		fallback := p.verb == "list" && isUsed(permission{"watch", p.group, p.resource, p.name}, used)
		if !documented && !fallback && !isUsed(p, used) {
			t.Errorf("%s is granted and was not needed", p)
		}
	}
	for text := range rare {
		t.Errorf("rareCalls has %s, which is not granted", text)
	}
}

func isUsed(p permission, used map[permission]int) bool {
	for u := range used {
		if u.verb == p.verb && u.group == p.group && u.resource == p.resource && (p.name == "" || p.name == u.name) {
			return true
		}
	}
	return false
}

// allowedTo is what the API server says that an account may do in a namespace.
func allowedTo(t *testing.T, c *cluster.Cluster, account, space string) map[permission]bool {
	t.Helper()
	config := c.RESTConfig()
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + namespace + ":" + account,
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"}}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	review, err := client.AuthorizationV1().SelfSubjectRulesReviews().Create(t.Context(),
		&authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: space}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[permission]bool{}
	for _, rule := range review.Status.ResourceRules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					for _, name := range append(slices.Clone(rule.ResourceNames), "")[:max(1, len(rule.ResourceNames))] {
						allowed[permission{verb, group, resource, name}] = true
					}
				}
			}
		}
	}
	return allowed
}

// exerciseAccounts has the scheduler and the driver do what they do for pods: claims of templates
// and of their own, extended resources, gangs, preemption, volumes, events, leader election.
func exerciseAccounts(t *testing.T, w *chartWorld) {
	t.Helper()
	w.placePods(t, "workload.yaml", settleLimit, "gang-0", "gang-1", "volume")
	w.until(t, "the status of the gang", settleLimit, func(context.Context) error {
		if w.kubectl(t, "get", "podgroups.scheduling.x-k8s.io", "gang", "-n", "default", "-o", "jsonpath={.status.phase}") == "" {
			return errors.New("PodGroup gang has no phase: nobody writes its status")
		}
		return nil
	})
	w.until(t, "an event of the pod that fits nowhere, and its volume's node", settleLimit, func(ctx context.Context) error {
		refused := metav1.ListOptions{FieldSelector: "reason=FailedScheduling,involvedObject.name=unfit"}
		events, err := w.client.CoreV1().Events("default").List(ctx, refused)
		if err != nil || len(events.Items) == 0 {
			return errors.Join(err, errors.New("no event of pod unfit"))
		}
		claim, err := w.client.CoreV1().PersistentVolumeClaims("default").Get(ctx, "made", metav1.GetOptions{})
		if err == nil && claim.Annotations["volume.kubernetes.io/selected-node"] == "" {
			err = errors.New("no node is selected for volume made")
		}
		return err
	})
	// An extended resource's claim goes with its pod.
	w.kubectl(t, "delete", "pod", "-n", "default", "second", "made", "unfit", "--timeout=60s")
	w.kubectl(t, "apply", "-n", "default", "-f", "testdata/preempt.yaml")
	w.until(t, "the GPUs to be taken", settleLimit, func(ctx context.Context) error {
		pods, err := w.client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName="})
		if err == nil && len(pods.Items) == 0 {
			err = errors.New("all pods are placed, or none has been looked at")
		}
		for _, pod := range pods.Items {
			if len(pod.Status.Conditions) == 0 {
				err = fmt.Errorf("pod %s has not been looked at", pod.Name)
			}
		}
		return err
	})
	w.placePods(t, "urgent.yaml", settleLimit, "urgent")
	readMetrics(t, w)
}

// readMetrics reads a scheduler's metrics as an account that may not: who it is and what it
// may do is asked of the API server.
func readMetrics(t *testing.T, w *chartWorld) {
	t.Helper()
	granted, err := w.client.CoreV1().ServiceAccounts("default").CreateToken(t.Context(), "default",
		&authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: settleLimit, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // self-signed, on loopback
	}}
	w.until(t, "a scheduler to answer", settleLimit, func(ctx context.Context) error {
		url := fmt.Sprintf("https://127.0.0.1:%d/metrics", w.runner.lastPort(schedulerName))
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+granted.Status.Token)
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			return fmt.Errorf("an account without permission is answered %s", response.Status)
		}
		return nil
	})
}
