package main

import (
	"context"
	"fmt"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	schedulerconfig "k8s.io/kubernetes/cmd/kube-scheduler/app/config"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	"k8s.io/kubernetes/pkg/scheduler/framework/runtime"

	"github.com/ashlar-dev/ashlar/internal/fencing"
	"github.com/ashlar-dev/ashlar/plugins/tracing"
)

// newScheduler is app.Setup with two steps more: traceRequests and fenceWrites, after the configuration and
// before the scheduler.
func newScheduler(
	ctx context.Context, opts *options.Options, registry runtime.Registry,
) (*schedulerconfig.CompletedConfig, *scheduler.Scheduler, error) {
	defaults, err := latest.Default()
	if err != nil {
		return nil, nil, err
	}
	opts.ComponentConfig = defaults
	if errs := opts.Validate(); len(errs) > 0 {
		return nil, nil, utilerrors.NewAggregate(errs)
	}
	c, err := opts.Config(ctx)
	if err != nil {
		return nil, nil, err
	}
	traceRequests(c.KubeConfig)
	if err := fenceWrites(c); err != nil {
		return nil, nil, err
	}
	completed := c.Complete()
	var profiles []config.KubeSchedulerProfile
	built, err := scheduler.New(ctx, completed.Client, completed.InformerFactory, completed.DynInformerFactory,
		func(name string) events.EventRecorderLogger { return completed.EventBroadcaster.NewRecorder(name) },
		scheduler.WithComponentConfigVersion(completed.ComponentConfig.APIVersion),
		scheduler.WithKubeConfig(completed.KubeConfig),
		scheduler.WithProfiles(completed.ComponentConfig.Profiles...),
		scheduler.WithPercentageOfNodesToScore(completed.ComponentConfig.PercentageOfNodesToScore),
		scheduler.WithFrameworkOutOfTreeRegistry(registry),
		scheduler.WithPodMaxBackoffSeconds(completed.ComponentConfig.PodMaxBackoffSeconds),
		scheduler.WithPodInitialBackoffSeconds(completed.ComponentConfig.PodInitialBackoffSeconds),
		scheduler.WithPodMaxInUnschedulablePodsDuration(completed.PodMaxInUnschedulablePodsDuration),
		scheduler.WithExtenders(completed.ComponentConfig.Extenders...),
		scheduler.WithParallelism(completed.ComponentConfig.Parallelism),
		scheduler.WithBuildFrameworkCapturer(func(profile config.KubeSchedulerProfile) { profiles = append(profiles, profile) }),
	)
	if err != nil {
		return nil, nil, err
	}
	if err := options.LogOrWriteConfig(klog.FromContext(ctx), opts.WriteConfigTo, &completed.ComponentConfig, profiles); err != nil {
		return nil, nil, err
	}
	return &completed, built, nil
}

// fenceWrites lets the scheduler and its plugins write only while this process's lease is
// fresh. The lease itself and events, which decide nothing, have clients of their own that
// are not fenced. Without leader election there is nothing to go by. The client is made anew if
// its requests are to be traced, too.
func fenceWrites(c *schedulerconfig.Config) error {
	if c.LeaderElection == nil && !tracing.IsEnabled() {
		return nil
	}
	fenced := c.KubeConfig
	if c.LeaderElection != nil {
		var err error
		if fenced, err = fencing.NewFence(c.LeaderElection).WrapConfig(c.KubeConfig); err != nil {
			return err
		}
	}
	client, err := kubernetes.NewForConfig(rest.AddUserAgent(rest.CopyConfig(fenced), "scheduler"))
	if err != nil {
		return fmt.Errorf("making the scheduler's client: %w", err)
	}
	c.Client, c.KubeConfig = client, fenced
	return nil
}
