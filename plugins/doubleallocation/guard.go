package doubleallocation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	fwk "k8s.io/kube-scheduler/framework"
)

// visibleWithin bounds how long a pod waits for the watch to show what was written for it.
const visibleWithin = 5 * time.Second

// Guard is asked about a pod after its claims were written and before it is bound.
type Guard struct {
	ledger *Ledger
	client kubernetes.Interface
	nodes  corelisters.NodeLister
	// tracker has the claims that this scheduler wrote.
	tracker fwk.ResourceClaimTracker
	// manager is the field manager of schedulers that have this guard.
	manager string
	// countGivenBack counts an allocation that was given back.
	countGivenBack func()
}

// NewGuard returns a guard over a ledger.
func NewGuard(
	ledger *Ledger, client kubernetes.Interface, nodes corelisters.NodeLister, tracker fwk.ResourceClaimTracker, countGivenBack func(),
) *Guard {
	return &Guard{
		ledger: ledger, client: client, nodes: nodes, tracker: tracker, manager: filepath.Base(os.Args[0]), countGivenBack: countGivenBack,
	}
}

// ConfirmPod returns nil if every device of a pod's claims is that claim's own and can be had on a node.
// Otherwise it gives back what does not fit and says so in the error: the pod must not be bound.
func (g *Guard) ConfirmPod(ctx context.Context, pod *v1.Pod, node string) error {
	claims, err := g.claimsOf(ctx, pod)
	if err != nil || len(claims) == 0 {
		return err
	}
	for _, claim := range claims {
		if err := g.confirmNode(claim, node); err != nil {
			return err
		}
	}
	waiting, cancel := context.WithTimeoutCause(ctx, visibleWithin, errors.New("the watch is behind"))
	defer cancel()
	for _, claim := range claims {
		version, err := versionOf(claim)
		if err != nil {
			return err
		}
		if err := g.ledger.awaitVersion(waiting, claim.UID, version); err != nil {
			return fmt.Errorf("whether another scheduler has the devices of claim %s/%s too is not known, since version %s of it was not "+
				"seen within %s: %w", claim.Namespace, claim.Name, claim.ResourceVersion, visibleWithin, err)
		}
	}
	for _, claim := range claims {
		if err := g.confirmClaim(ctx, pod, claim); err != nil {
			return err
		}
	}
	return nil
}

// claimsOf returns the claims of a pod as this scheduler wrote them: those that its spec names, and
// that for its extended resources.
func (g *Guard) claimsOf(ctx context.Context, pod *v1.Pod) ([]*resourceapi.ResourceClaim, error) {
	var names []string
	for i := range pod.Spec.ResourceClaims {
		name, _, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i])
		if err != nil {
			return nil, err
		}
		if name != nil {
			names = append(names, *name)
		}
	}
	owned, err := g.ledger.claims.ByIndex(podIndex, string(pod.UID))
	if err != nil {
		return nil, err
	}
	for _, object := range owned {
		if claim, ok := object.(*resourceapi.ResourceClaim); ok && isExtended(claim) && claim.DeletionTimestamp == nil {
			names = append(names, claim.Name)
		}
	}
	claims := make([]*resourceapi.ResourceClaim, 0, len(names))
	for _, name := range names {
		claim, err := g.tracker.Get(pod.Namespace, name)
		if err != nil {
			return nil, fmt.Errorf("reading claim %s/%s before binding: %w", pod.Namespace, name, err)
		}
		if claim.Status.Allocation == nil {
			// The scheduler's cache is behind its own write.
			if claim, err = g.client.ResourceV1().ResourceClaims(pod.Namespace).Get(ctx, name, metav1.GetOptions{}); err != nil {
				return nil, fmt.Errorf("reading claim %s/%s before binding: %w", pod.Namespace, name, err)
			}
		}
		claims = append(claims, claim)
	}
	return claims, nil
}

// confirmNode returns nil if a claim's devices can be had on a node, or that node is not known.
func (g *Guard) confirmNode(claim *resourceapi.ResourceClaim, name string) error {
	if claim.Status.Allocation == nil || claim.Status.Allocation.NodeSelector == nil {
		return nil
	}
	node, err := g.nodes.Get(name)
	if err != nil {
		return nil // whoever binds says so
	}
	selector, err := nodeaffinity.NewNodeSelector(claim.Status.Allocation.NodeSelector)
	if err != nil {
		return fmt.Errorf("where claim %s/%s has its devices: %w", claim.Namespace, claim.Name, err)
	}
	if !selector.Match(node) {
		return fmt.Errorf("claim %s/%s has its devices on another node than %s, which was chosen for the pod; the pod tries again",
			claim.Namespace, claim.Name, name)
	}
	return nil
}

// isExtended reports whether a claim was made by a scheduler for a pod's extended resources. It goes
// with the pod's attempt.
func isExtended(claim *resourceapi.ResourceClaim) bool {
	return claim.Annotations[resourceapi.ExtendedResourceClaimAnnotation] == "true"
}

// confirmClaim returns nil if a claim may keep what it has.
func (g *Guard) confirmClaim(ctx context.Context, pod *v1.Pod, claim *resourceapi.ResourceClaim) error {
	h := g.ledger.holderOf(claim.UID)
	if h == nil {
		if claim.Status.Allocation == nil || newHolder(claim, 0) == nil {
			return nil // nothing to hold
		}
		return fmt.Errorf("claim %s/%s lost its allocation before the pod was bound", claim.Namespace, claim.Name)
	}
	found, err := g.ledger.clashOf(h, false)
	if err != nil || found == nil {
		return err
	}
	earlier, err := g.ledger.clashOf(h, true)
	if err != nil {
		return err
	}
	if earlier != nil {
		found = earlier
	} else if g.rivalsGiveWay(ctx, found) {
		return nil
	}
	if err := g.giveBack(ctx, pod, claim); err != nil {
		return fmt.Errorf("%s; not bound: %w", found.describeClash(), err)
	}
	return fmt.Errorf("%s; its allocation was given back, and the pod tries again", found.describeClash())
}

// rivalsGiveWay reports whether all rivals of a clash have the guard, or nothing any more.
func (g *Guard) rivalsGiveWay(ctx context.Context, found *poolClash) bool {
	for _, rival := range found.rivals {
		claim, err := g.client.ResourceV1().ResourceClaims(rival.claim.Namespace).Get(ctx, rival.claim.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return false
		}
		if claim.UID == rival.uid && claim.Status.Allocation != nil && !allocatedBy(claim, g.manager) {
			return false
		}
	}
	return true
}

// allocatedBy reports whether a claim's allocation was written by a field manager.
func allocatedBy(claim *resourceapi.ResourceClaim, manager string) bool {
	for i := range claim.ManagedFields {
		field := &claim.ManagedFields[i]
		if field.Manager == manager && field.FieldsV1 != nil && strings.Contains(string(field.FieldsV1.Raw), `"f:allocation"`) {
			return true
		}
	}
	return false
}

// describeClash says what clashes with what: "device gpu-3 of pool a (gpu.example.com) on node a is
// allocated to claim x/y, and before to x/z".
func (c *poolClash) describeClash() string {
	text := fmt.Sprintf("device %s of pool %s (%s)", c.device, c.pool.pool, c.pool.driver)
	if c.node != "" && c.node != c.pool.pool {
		text += " on node " + c.node
	}
	text += fmt.Sprintf(" is allocated to claim %s and was to %s", c.holder.claim, c.rivalNames())
	if c.short != "" {
		text += ", together " + c.short
	}
	return text
}

// rivalNames lists the rivals, three at most.
func (c *poolClash) rivalNames() string {
	const most = 3
	var names []string
	for i, rival := range c.rivals {
		if i == most {
			names = append(names, fmt.Sprintf("%d more", len(c.rivals)-most))
			break
		}
		names = append(names, rival.claim.String())
	}
	return strings.Join(names, ", ")
}
