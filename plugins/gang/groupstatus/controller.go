package groupstatus

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

// Election says how processes agree on the one that writes.
type Election struct {
	// Disabled lets this process write without asking: it is the only one.
	Disabled bool
	// Namespace and Name are those of the Lease.
	Namespace, Name string
	// Lease, Renew and Retry are the times of leader election; zero for the usual ones.
	Lease, Renew, Retry time.Duration
}

// Run writes statuses until ctx ends, once this process is elected. It returns an error
// if it cannot start or loses the election.
func Run(ctx context.Context, connection *rest.Config, election Election, logger logr.Logger) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return fmt.Errorf("building the scheme: %w", err)
		}
	}
	members, err := labels.NewRequirement(v1alpha1.PodGroupLabel, selection.Exists, nil)
	if err != nil {
		return fmt.Errorf("selecting members: %w", err)
	}
	pods := cache.Options{ByObject: map[client.Object]cache.ByObject{
		&v1.Pod{}: {Label: labels.NewSelector().Add(*members), Transform: keepPhaseOnly},
	}}
	controllers, err := manager.New(connection, manager.Options{
		Scheme:                  scheme,
		Logger:                  logger,
		Cache:                   pods,
		Metrics:                 metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress:  "0",
		LeaderElection:          !election.Disabled,
		LeaderElectionNamespace: election.Namespace,
		LeaderElectionID:        election.Name,
		LeaseDuration:           optionalDuration(election.Lease),
		RenewDeadline:           optionalDuration(election.Renew),
		RetryPeriod:             optionalDuration(election.Retry),
		Controller:              config.Controller{SkipNameValidation: ptr.To(true)},
	})
	if err != nil {
		return fmt.Errorf("building the controller: %w", err)
	}
	reconciler := &statusReconciler{client: controllers.GetClient(), clock: clock.RealClock{}}
	err = builder.ControllerManagedBy(controllers).
		Named("podgroup-status").
		For(&v1alpha1.PodGroup{}).
		Watches(&v1.Pod{}, handler.EnqueueRequestsFromMapFunc(groupOfMember)).
		Complete(reconciler)
	if err != nil {
		return fmt.Errorf("building the controller: %w", err)
	}
	return controllers.Start(ctx)
}

func optionalDuration(period time.Duration) *time.Duration {
	if period == 0 {
		return nil
	}
	return &period
}

// keepPhaseOnly keeps of a cached pod what the status follows from.
func keepPhaseOnly(object any) (any, error) {
	pod, ok := object.(*v1.Pod)
	if !ok {
		return object, nil
	}
	kept := &v1.Pod{Status: v1.PodStatus{Phase: pod.Status.Phase}}
	kept.Namespace, kept.Name, kept.UID = pod.Namespace, pod.Name, pod.UID
	kept.ResourceVersion, kept.Labels = pod.ResourceVersion, pod.Labels
	return kept, nil
}

// groupOfMember asks for the group that the pod names.
func groupOfMember(_ context.Context, pod client.Object) []reconcile.Request {
	name := pod.GetLabels()[v1alpha1.PodGroupLabel]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: pod.GetNamespace(), Name: name}}}
}

// statusReconciler writes the status of one group at a time.
type statusReconciler struct {
	client client.Client
	clock  clock.PassiveClock
}

// Reconcile writes the group's status if it is not what its pods say.
func (r *statusReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	group := &v1alpha1.PodGroup{}
	if err := r.client.Get(ctx, request.NamespacedName, group); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	pods := &v1.PodList{}
	selected := client.MatchingLabels{v1alpha1.PodGroupLabel: group.Name}
	if err := r.client.List(ctx, pods, client.InNamespace(group.Namespace), selected); err != nil {
		return reconcile.Result{}, fmt.Errorf("listing the pods of PodGroup %s: %w", request, err)
	}
	next := NextStatus(group, pods.Items, r.clock.Now())
	if equality.Semantic.DeepEqual(next, group.Status) {
		return reconcile.Result{}, nil
	}
	changed := group.DeepCopy()
	changed.Status = next
	if err := r.client.Status().Patch(ctx, changed, client.MergeFrom(group)); client.IgnoreNotFound(err) != nil {
		return reconcile.Result{}, fmt.Errorf("writing the status of PodGroup %s: %w", request, err)
	}
	return reconcile.Result{}, nil
}
