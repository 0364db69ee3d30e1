package explain

import (
	"context"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// AskPod explains a pod of a cluster, as ashlar explain does under the scheduler's default policy. scheduler is the
// schedulerName by which pods choose Ashlar. That the pod waits is no error.
func AskPod(ctx context.Context, objects *dryrun.ClusterObjects, namespace, name, scheduler string) (*PodReport, error) {
	pod, err := findPod(objects, namespace, name)
	if err != nil {
		return nil, err
	}
	return explainPod(clustersource.SilenceScheduler(ctx), objects, pod, scheduler, placement.KeepPlaceable{})
}
