package whatif

import (
	"context"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// PlacementQuestion is what other commands ask as ashlar whatif does.
type PlacementQuestion struct {
	// Manifest is the text of Kubernetes objects, "" for none, and Namespace where those of it
	// are that name none.
	Manifest, Namespace string
	// Copies, Drain, Waiting and Scheduler are as the flags of these names.
	Copies    int
	Drain     []string
	Waiting   bool
	Scheduler string
	// Policies are names of policies; none for the scheduler's default.
	Policies []string
}

// AskPlacement answers a question about a cluster, as ashlar whatif does. That pods do not fit
// is no error.
func AskPlacement(ctx context.Context, cluster *dryrun.ClusterObjects, q *PlacementQuestion) (*PlacementReport, error) {
	names := q.Policies
	if len(names) == 0 {
		names = []string{placement.KeepPlaceable{}.Name()}
	}
	policies, err := policiesNamed(names)
	if err != nil {
		return nil, err
	}
	question := &dryrun.PlacementQuestion{Copies: q.Copies, Drain: q.Drain, Waiting: q.Waiting, Scheduler: q.Scheduler}
	var texts []manifestText
	if q.Manifest != "" {
		texts = append(texts, manifestText{"manifest", []byte(q.Manifest)})
	}
	if err := addManifests(question, texts, q.Namespace); err != nil {
		return nil, err
	}
	return reportPlacement(clustersource.SilenceScheduler(ctx), cluster, question, policies)
}
