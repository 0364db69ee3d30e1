package dryrun

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	quotav1 "k8s.io/apiserver/pkg/quota/v1"
	"k8s.io/dynamic-resource-allocation/deviceclass/extendedresourcecache"
	"k8s.io/kubernetes/pkg/quota/v1/evaluator/core"
	"k8s.io/utils/clock"
)

// quotaLedger is the ResourceQuotas of a snapshot with what is used of them. Kubernetes' own
// evaluators say what a pod or claim uses, and whether there is so much left.
type quotaLedger struct {
	byNamespace  map[string][]corev1.ResourceQuota
	pods, claims quotav1.Evaluator
}

// newQuotaLedger charges quotas with the pods and claims of the cluster, except for what their
// status says. Where two sources have a quota of one name, the first counts.
func newQuotaLedger(cluster *ClusterObjects, names *extendedresourcecache.ExtendedResourceCache, sources ...*ClusterObjects) *quotaLedger {
	l := &quotaLedger{
		byNamespace: map[string][]corev1.ResourceQuota{},
		pods:        core.NewPodEvaluator(nil, clock.RealClock{}), claims: core.NewResourceClaimEvaluator(nil, names, nil, nil),
	}
	for _, source := range sources {
		for _, quota := range source.Quotas {
			known := func(other corev1.ResourceQuota) bool { return other.Name == quota.Name }
			if !slices.ContainsFunc(l.byNamespace[quota.Namespace], known) {
				l.byNamespace[quota.Namespace] = append(l.byNamespace[quota.Namespace], l.fillUsed(*quota.DeepCopy(), cluster))
			}
		}
	}
	for _, quotas := range l.byNamespace {
		slices.SortFunc(quotas, func(a, b corev1.ResourceQuota) int { return cmp.Compare(a.Name, b.Name) })
	}
	return l
}

// fillUsed adds what the cluster uses of a quota to its status where that does not say it.
func (l *quotaLedger) fillUsed(quota corev1.ResourceQuota, cluster *ClusterObjects) corev1.ResourceQuota {
	quota.Status.Hard = quota.Spec.Hard
	counted := corev1.ResourceList{}
	add := func(evaluator quotav1.Evaluator, object runtime.Object) {
		if matches, err := evaluator.Matches(&quota, object); err != nil || !matches {
			return
		}
		if usage, err := evaluator.Usage(object); err == nil {
			counted = quotav1.Add(counted, usage)
		}
	}
	for _, pod := range cluster.Pods {
		if pod.Namespace == quota.Namespace {
			add(l.pods, pod)
		}
	}
	for _, claim := range cluster.Claims {
		if claim.Namespace == quota.Namespace {
			add(l.claims, claim)
		}
	}
	used := corev1.ResourceList{}
	for name := range quota.Status.Hard {
		amount, stated := quota.Status.Used[name]
		if !stated {
			amount = counted[name]
		}
		if amount.IsZero() {
			amount = *resource.NewQuantity(0, resource.DecimalSI)
		}
		used[name] = amount
	}
	quota.Status.Used = used
	return quota
}

// chargePod books a new pod on the quotas of its namespace, or says in the API server's words
// which has no room for it.
func (l *quotaLedger) chargePod(pod *corev1.Pod) error {
	return l.chargeObject(l.pods, pod, pod, corev1.SchemeGroupVersion.WithKind("Pod").Kind, "pods")
}

// chargeClaim does so with a new claim.
func (l *quotaLedger) chargeClaim(claim *resourceapi.ResourceClaim) error {
	return l.chargeObject(l.claims, claim, claim, "ResourceClaim", "resourceclaims")
}

func (l *quotaLedger) chargeObject(evaluator quotav1.Evaluator, object runtime.Object, meta metav1.Object, kind, plural string) error {
	quotas := l.byNamespace[meta.GetNamespace()]
	if len(quotas) == 0 {
		return nil
	}
	group := evaluator.GroupResource().WithVersion("v1")
	attributes := admission.NewAttributesRecord(object, nil, group.GroupVersion().WithKind(kind), meta.GetNamespace(), meta.GetName(),
		group.GroupVersion().WithResource(plural), "", admission.Create, nil, false, nil)
	charged, err := resourcequota.CheckRequest(quotas, attributes, evaluator, nil)
	if err != nil {
		_, because, found := strings.Cut(err.Error(), " is forbidden: ")
		if !found {
			because = err.Error()
		}
		return errors.New(because)
	}
	l.byNamespace[meta.GetNamespace()] = charged
	return nil
}

// copyLedger is a ledger of its own. Charging replaces lists of quotas and changes none.
func (l *quotaLedger) copyLedger() *quotaLedger {
	again := *l
	again.byNamespace = maps.Clone(l.byNamespace)
	return &again
}
