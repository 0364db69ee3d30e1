package top

import (
	"context"

	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// AskGPUs is what ashlar top shows of a cluster: of these nodes, of all if none is named, and with pods who holds what, of
// a namespace or, if that is "", of all.
func AskGPUs(ctx context.Context, objects *dryrun.ClusterObjects, nodes []string, namespace string, pods bool) (*GPUReport, error) {
	report, err := newReport(ctx, objects, nodes, namespace)
	if err != nil {
		return nil, err
	}
	if !pods {
		report.Pods = nil
	}
	return report, nil
}
