package dryrun

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/pager"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

// objectNeed says whether a question can be answered without the objects of a kind.
type objectNeed bool

const (
	required objectNeed = true
	optional objectNeed = false
)

// ReadLiveCluster reads a snapshot from an API server, all kinds at once. It only lists, and no Secrets.
func ReadLiveCluster(ctx context.Context, client kubernetes.Interface) (*ClusterObjects, error) {
	o := &ClusterObjects{}
	core, resource := client.CoreV1(), client.ResourceV1()
	kinds := []struct {
		name string
		need objectNeed
		list func(context.Context, metav1.ListOptions) (runtime.Object, error)
	}{
		{"nodes", required, listObjects(core.Nodes().List)},
		{"pods", required, listObjects(core.Pods("").List)},
		{"resourceslices.resource.k8s.io", required, listObjects(resource.ResourceSlices().List)},
		{"resourceclaims.resource.k8s.io", required, listObjects(resource.ResourceClaims("").List)},
		{"resourceclaimtemplates.resource.k8s.io", required, listObjects(resource.ResourceClaimTemplates("").List)},
		{"deviceclasses.resource.k8s.io", required, listObjects(resource.DeviceClasses().List)},
		{"priorityclasses.scheduling.k8s.io", optional, listObjects(client.SchedulingV1().PriorityClasses().List)},
		{"namespaces", optional, listObjects(core.Namespaces().List)},
		{"resourcequotas", optional, listObjects(core.ResourceQuotas("").List)},
		{"poddisruptionbudgets.policy", optional, listObjects(client.PolicyV1().PodDisruptionBudgets("").List)},
		{"limitranges", optional, listObjects(core.LimitRanges("").List)},
		{"horizontalpodautoscalers.autoscaling", optional, listObjects(client.AutoscalingV2().HorizontalPodAutoscalers("").List)},
	}
	found, failed := make([][]runtime.Object, len(kinds)), make([]error, len(kinds))
	var lists sync.WaitGroup
	for i, kind := range kinds {
		lists.Go(func() {
			err := pager.New(kind.list).EachListItem(ctx, metav1.ListOptions{}, func(object runtime.Object) error {
				found[i] = append(found[i], object)
				return nil
			})
			if err = explainListError(kind.name, err); err != nil && (kind.need == required || !apierrors.IsForbidden(err)) {
				failed[i] = err
			}
		})
	}
	lists.Wait()
	for i := range kinds {
		if failed[i] != nil {
			return nil, failed[i]
		}
		for _, object := range found[i] {
			o.AddObject(object)
		}
	}
	if err := o.readPodGroups(ctx, client); err != nil {
		return nil, err
	}
	return o, o.CheckComplete()
}

// listObjects turns the List of one kind into one of any.
func listObjects[T runtime.Object](
	list func(context.Context, metav1.ListOptions) (T, error),
) func(context.Context, metav1.ListOptions) (runtime.Object, error) {
	return func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return list(ctx, options)
	}
}

// explainListError says what to do about an error of listing.
func explainListError(kind string, err error) error {
	switch {
	case err == nil:
		return nil
	case apierrors.IsForbidden(err):
		return fmt.Errorf("listing %s: %w: ask for a role that may list them, or for a snapshot that somebody else saved", kind, err)
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return fmt.Errorf("listing %s: %w: want Kubernetes 1.34 or later with DynamicResourceAllocation", kind, err)
	}
	return fmt.Errorf("listing %s: %w", kind, err)
}

// readPodGroups reads PodGroups, which are there if coscheduling's CRD is.
func (o *ClusterObjects) readPodGroups(ctx context.Context, client kubernetes.Interface) error {
	text, err := client.CoreV1().RESTClient().Get().AbsPath("/apis/"+v1alpha1.SchemeGroupVersion.String()+"/podgroups").
		SetHeader("Accept", "application/json").Do(ctx).Raw()
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return nil
	case err != nil:
		return fmt.Errorf("listing podgroups.%s: %w", v1alpha1.SchemeGroupVersion.Group, err)
	}
	var list v1alpha1.PodGroupList
	if err := json.Unmarshal(text, &list); err != nil {
		return fmt.Errorf("listing podgroups.%s: %w", v1alpha1.SchemeGroupVersion.Group, err)
	}
	for i := range list.Items {
		o.PodGroups = append(o.PodGroups, &list.Items[i])
	}
	return nil
}
