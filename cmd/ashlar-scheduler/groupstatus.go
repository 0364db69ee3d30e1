package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	componentconfig "k8s.io/component-base/config"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupstatus"
)

// statusRetry is how long after a failure or a lost election statuses are tried again.
const statusRetry = 10 * time.Second

// startGroupStatus keeps the status of PodGroups up to date beside the scheduler, until
// the process ends. A failure is logged and does not stop scheduling.
func startGroupStatus(ctx context.Context, connection *rest.Config, election groupstatus.Election) {
	logger := klog.Background().WithName("podgroup-status")
	log.SetLogger(logger)
	go wait.UntilWithContext(ctx, func(ctx context.Context) {
		if err := groupstatus.Run(ctx, connection, election, logger); err != nil && ctx.Err() == nil {
			logger.Error(err, "Status of PodGroups is not written; trying again", "after", statusRetry)
		}
	}, statusRetry)
}

// statusElection follows the scheduler's own leader election, with a Lease beside its
// own: the scheduler does not tell plugins whether it leads.
func statusElection(cmd *cobra.Command, scheduler componentconfig.LeaderElectionConfiguration) groupstatus.Election {
	election := groupstatus.Election{
		Disabled:  !scheduler.LeaderElect,
		Namespace: scheduler.ResourceNamespace,
		Name:      scheduler.ResourceName,
		Lease:     scheduler.LeaseDuration.Duration,
		Renew:     scheduler.RenewDeadline.Duration,
		Retry:     scheduler.RetryPeriod.Duration,
	}
	flags := cmd.Flags()
	if flags.Changed("leader-elect") {
		if elect, err := flags.GetBool("leader-elect"); err == nil {
			election.Disabled = !elect
		}
	}
	for flag, field := range map[string]*string{
		"leader-elect-resource-namespace": &election.Namespace,
		"leader-elect-resource-name":      &election.Name,
	} {
		if flags.Changed(flag) {
			if value, err := flags.GetString(flag); err == nil {
				*field = value
			}
		}
	}
	election.Name += "-podgroup-status"
	return election
}
