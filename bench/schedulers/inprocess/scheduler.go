package inprocess

import (
	"context"
	"fmt"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	configscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/profile"
	_ "sigs.k8s.io/scheduler-plugins/apis/config/scheme" // arguments of Coscheduling

	_ "github.com/ashlar-dev/ashlar/plugins/apis/config/scheme" // arguments of DevicePlacement
	"github.com/ashlar-dev/ashlar/plugins/deviceplacement"
	"github.com/ashlar-dev/ashlar/plugins/gang"
	"github.com/ashlar-dev/ashlar/plugins/preemption"
)

// pluginRegistry has the plugins that ashlar-scheduler has beside kube-scheduler's and that
// its configuration names.
func pluginRegistry() frameworkruntime.Registry {
	return frameworkruntime.Registry{
		deviceplacement.Name:      deviceplacement.New,
		deviceplacement.ScoreName: deviceplacement.NewScore,
		preemption.Name:           preemption.New,
		gang.Name:                 gang.New,
	}
}

// readConfiguration reads a KubeSchedulerConfiguration.
func readConfiguration(text string) (*config.KubeSchedulerConfiguration, error) {
	object, _, err := configscheme.Codecs.UniversalDecoder().Decode([]byte(text), nil, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the scheduler configuration: %w", err)
	}
	read, ok := object.(*config.KubeSchedulerConfiguration)
	if !ok {
		return nil, fmt.Errorf("reading the scheduler configuration: got a %T", object)
	}
	return read, nil
}

// startScheduler starts a scheduler that ends with the context. It returns once the scheduler
// has seen all objects.
func startScheduler(ctx context.Context, client kubernetes.Interface, connection *rest.Config, configuration string) error {
	read, err := readConfiguration(configuration)
	if err != nil {
		return err
	}
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: client.EventsV1()})
	if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		return fmt.Errorf("recording events: %w", err)
	}
	factory := scheduler.NewInformerFactory(client, 0, nil)
	instance, err := scheduler.New(ctx, client, factory, nil, profile.NewRecorderFactory(broadcaster),
		scheduler.WithComponentConfigVersion(read.APIVersion),
		scheduler.WithKubeConfig(connection),
		scheduler.WithProfiles(read.Profiles...),
		scheduler.WithPercentageOfNodesToScore(read.PercentageOfNodesToScore),
		scheduler.WithPodMaxBackoffSeconds(read.PodMaxBackoffSeconds),
		scheduler.WithPodInitialBackoffSeconds(read.PodInitialBackoffSeconds),
		scheduler.WithParallelism(read.Parallelism),
		scheduler.WithFrameworkOutOfTreeRegistry(pluginRegistry()),
	)
	if err != nil {
		return fmt.Errorf("making the scheduler: %w", err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if err := instance.WaitForHandlersSync(ctx); err != nil {
		return fmt.Errorf("waiting for the scheduler to see all objects: %w", err)
	}
	go func() {
		instance.Run(ctx)
		broadcaster.Shutdown()
	}()
	return nil
}
