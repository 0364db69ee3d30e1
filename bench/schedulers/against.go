package main

import (
	"context"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
	"github.com/ashlar-dev/ashlar/test/cluster"
)

// measureAgainst measures claims bound by an earlier stock scheduler and by Ashlar, on a control
// plane of the earlier version, at the first of the sizes.
func measureAgainst(
	ctx context.Context, options *benchmarkOptions, binaries *cluster.Binaries, say func(string), report *benchmarkReport,
) error {
	var session *benchmarkSession
	earlier := clusterReport{Size: options.sizes[0]}
	err := withSession(ctx, binaries, options.sizes[0], say, func(s *benchmarkSession) error {
		session = s
		return s.measureBoth(ctx, options, workload.ClaimForm, &earlier)
	})
	if err != nil {
		return err
	}
	earlier.PublishSeconds, earlier.Memory = session.publishing.Seconds(), session.peaks.listProcesses()
	report.Against = &againstReport{Version: options.against, Cluster: earlier}
	return nil
}
