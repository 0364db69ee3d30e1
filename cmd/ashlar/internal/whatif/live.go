package whatif

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/pager"
)

// need says whether a question can be answered without the objects of a kind.
type need bool

const (
	required need = true
	optional need = false
)

// ReadLive reads a snapshot from an API server. It only lists, and no Secrets.
func ReadLive(ctx context.Context, client kubernetes.Interface) (*Objects, error) {
	o := &Objects{}
	core, resource := client.CoreV1(), client.ResourceV1()
	for _, kind := range []struct {
		name string
		need need
		list func(context.Context, metav1.ListOptions) (runtime.Object, error)
	}{
		{"nodes", required, listing(core.Nodes().List)},
		{"pods", required, listing(core.Pods("").List)},
		{"resourceslices.resource.k8s.io", required, listing(resource.ResourceSlices().List)},
		{"resourceclaims.resource.k8s.io", required, listing(resource.ResourceClaims("").List)},
		{"resourceclaimtemplates.resource.k8s.io", required, listing(resource.ResourceClaimTemplates("").List)},
		{"deviceclasses.resource.k8s.io", required, listing(resource.DeviceClasses().List)},
		{"priorityclasses.scheduling.k8s.io", optional, listing(client.SchedulingV1().PriorityClasses().List)},
		{"namespaces", optional, listing(core.Namespaces().List)},
	} {
		err := pager.New(kind.list).EachListItem(ctx, metav1.ListOptions{}, func(object runtime.Object) error {
			o.Add(object)
			return nil
		})
		if err = explained(kind.name, err); err != nil && (kind.need == required || !apierrors.IsForbidden(err)) {
			return nil, err
		}
	}
	if err := o.readGroups(ctx, client); err != nil {
		return nil, err
	}
	return o, o.Check()
}

// listing turns the List of one kind into one of any.
func listing[T runtime.Object](list func(context.Context, metav1.ListOptions) (T, error)) func(context.Context, metav1.ListOptions) (runtime.Object, error) {
	return func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return list(ctx, options)
	}
}

// explained says what to do about an error of listing.
func explained(kind string, err error) error {
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

// readGroups reads PodGroups, which are there if coscheduling's CRD is.
func (o *Objects) readGroups(ctx context.Context, client kubernetes.Interface) error {
	text, err := client.CoreV1().RESTClient().Get().AbsPath("/apis/" + groupVersion + "/podgroups").Do(ctx).Raw()
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return nil
	case err != nil:
		return fmt.Errorf("listing podgroups.%s: %w", groupAPI, err)
	}
	var list struct {
		Items []*Group `json:"items"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return fmt.Errorf("listing podgroups.%s: %w", groupAPI, err)
	}
	o.Groups = append(o.Groups, list.Items...)
	return nil
}
