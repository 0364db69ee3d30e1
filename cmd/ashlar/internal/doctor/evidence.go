package doctor

import (
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	nodev1 "k8s.io/api/node/v1"

	"github.com/ashlar-dev/ashlar/internal/apiserver"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// Evidence is what was read of a cluster. Nil is "not read": a snapshot holds none of what Live has.
type Evidence struct {
	*dryrun.ClusterObjects
	// SchedulerName is what pods of Ashlar have in spec.schedulerName.
	SchedulerName string
	// Live is what only an API server tells, nil for a snapshot.
	Live *LiveEvidence
}

// LiveEvidence is what is asked of an API server beside the objects that scheduling looks at. A list is
// nil where the caller may not have it.
type LiveEvidence struct {
	Now            time.Time
	Server         *apiserver.Server
	Gates          map[string]bool // feature gates of the API server; nil if its metrics were not read
	Deployments    []*appsv1.Deployment
	DaemonSets     []*appsv1.DaemonSet
	RuntimeClasses []*nodev1.RuntimeClass
	Webhooks       []*admissionv1.MutatingWebhookConfiguration
	Endpoints      []*discoveryv1.EndpointSlice
	Leases         []*coordinationv1.Lease
	// PodGroupCRD reports whether scheduling.x-k8s.io/v1alpha1 is served; PodGroupManager is who wrote
	// its definition, "" if that was not read.
	PodGroupCRD     bool
	PodGroupManager string
}

const noSnapshot = "a snapshot does not hold them: run it on the cluster, without --snapshot"

const notAllowed = "this account may not list them: kubectl auth can-i --list"

// objectName is how a finding names an object.
func objectName(kind, namespace, name string) string {
	if namespace == "" {
		return kind + "/" + name
	}
	return kind + "/" + namespace + "/" + name
}
