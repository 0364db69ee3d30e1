package gang

import (
	"context"
	"errors"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
	"sigs.k8s.io/scheduler-plugins/pkg/generated/clientset/versioned"
	"sigs.k8s.io/scheduler-plugins/pkg/generated/informers/externalversions"
	groupinformers "sigs.k8s.io/scheduler-plugins/pkg/generated/informers/externalversions/scheduling/v1alpha1"
	grouplisters "sigs.k8s.io/scheduler-plugins/pkg/generated/listers/scheduling/v1alpha1"
)

// defaultPermitTimeout holds where neither the group nor the arguments give one.
const defaultPermitTimeout = 60 * time.Second

// groupKey is the namespace and name of a PodGroup.
type groupKey = types.NamespacedName

// groupReader reads PodGroups from an informer's cache.
type groupReader = grouplisters.PodGroupLister

// labelledGroup returns the group that the pod's label names.
func labelledGroup(pod *v1.Pod) (key groupKey, ok bool) {
	name := pod.Labels[v1alpha1.PodGroupLabel]
	return groupKey{Namespace: pod.Namespace, Name: name}, name != ""
}

// startGroupInformer watches PodGroups until ctx ends and returns once the first list
// is there.
func startGroupInformer(ctx context.Context, connection *rest.Config) (groupinformers.PodGroupInformer, error) {
	// A CustomResourceDefinition is served as JSON only; the scheduler prefers protobuf.
	connection = rest.CopyConfig(connection)
	connection.ContentType = runtime.ContentTypeJSON
	connection.AcceptContentTypes = runtime.ContentTypeJSON
	client, err := versioned.NewForConfig(connection)
	if err != nil {
		return nil, err
	}
	factory := externalversions.NewSharedInformerFactory(client, 0)
	groups := factory.Scheduling().V1alpha1().PodGroups()
	informer := groups.Informer()
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return nil, errors.New("stopped before the first list of PodGroups came")
	}
	return groups, nil
}

// findGroup returns the PodGroup, nil if there is none of that name.
func (p *Plugin) findGroup(key groupKey) (*v1alpha1.PodGroup, error) {
	group, err := p.groups.PodGroups(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return group, err
}

// permitTimeoutOf is how long a member waits for the others: what the group says, or
// else the plugin's arguments, or else the default.
func (p *Plugin) permitTimeoutOf(group *v1alpha1.PodGroup) time.Duration {
	if seconds := group.Spec.ScheduleTimeoutSeconds; seconds != nil && *seconds > 0 {
		return time.Duration(*seconds) * time.Second
	}
	if p.permitTimeout > 0 {
		return p.permitTimeout
	}
	return defaultPermitTimeout
}

// followGroups has the members of a group that is made or changed tried again, and drops what the
// ledger holds of groups that are deleted.
func (p *Plugin) followGroups(groups cache.SharedIndexInformer) error {
	_, err := groups.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { p.retryMembers(nil, object) },
		UpdateFunc: p.retryMembers,
		DeleteFunc: func(object any) {
			if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = gone.Obj
			}
			if group, ok := object.(*v1alpha1.PodGroup); ok {
				p.ledger.forgetGroup(groupKey{Namespace: group.Namespace, Name: group.Name})
			}
		},
	})
	return err
}
