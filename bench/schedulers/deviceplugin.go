package main

import (
	"context"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
)

// pluginRounds is how often each scheduler binds each kind of pod, in turn, so that what else
// the machine does strikes both.
const pluginRounds = 5

// pluginForms are the kinds of pods beside a device plugin, and what tables call them.
func pluginForms() []workload.Form {
	return []workload.Form{workload.PlainForm, {Name: "counted", Words: "with one GPU", Limits: workload.OneGPU()}}
}

// measureDevicePlugin measures on nodes whose GPUs a device plugin hands out.
func measureDevicePlugin(
	ctx context.Context, options *benchmarkOptions, binaries *cluster.Binaries, say func(string), report *benchmarkReport,
) error {
	session, err := startSession(ctx, binaries, say)
	if err != nil {
		return err
	}
	defer func() { _ = session.cluster.Stop() }()
	session.size = workload.Size{Nodes: options.pluginNodes, Devices: workload.GPUs}
	if err := session.prepareDevicePlugin(ctx); err != nil {
		return err
	}
	report.DevicePlugin = &clusterReport{Size: session.size}
	for range pluginRounds {
		for _, form := range pluginForms() {
			for _, scheduler := range []schedulerName{stockScheduler, ashlarScheduler} {
				m := bindingMeasurement{scheduler: scheduler, form: form, pods: options.pluginPods, limit: options.limit}
				result, err := session.measureBinding(ctx, m)
				if err != nil {
					return err
				}
				report.DevicePlugin.addRound(scheduler, form.Name, result)
			}
		}
	}
	return nil
}

// prepareDevicePlugin adds nodes of eight GPUs each, with the labels of GPU feature discovery.
func (s *benchmarkSession) prepareDevicePlugin(ctx context.Context) error {
	if err := s.applyManifests(ctx, filepath.Join("manifests", "overlays", "device-plugin")); err != nil {
		return err
	}
	if err := install.EnsureNamespace(ctx, s.cluster, s.client, workload.Namespace); err != nil {
		return err
	}
	s.say(fmt.Sprintf("adding %d nodes", s.size.Nodes))
	var specs []cluster.NodeSpec
	for i := range s.size.Nodes {
		specs = append(specs, cluster.NodeSpec{
			Name: workload.NodeName(i),
			Labels: map[string]string{
				"nvidia.com/gpu.present": "true", "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3", "nvidia.com/gpu.memory": "81559",
				"nvidia.com/gpu.count": "8", "nvidia.com/gpu.replicas": "1", "nvidia.com/gpu.sharing-strategy": "none",
			},
			Capacity: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("8")},
		})
	}
	return s.cluster.AddNodes(ctx, specs)
}

// describeDevicePlugin is the table: the median of the rounds, and the median of their ratios.
func (r *benchmarkReport) describeDevicePlugin() string {
	if r.DevicePlugin == nil {
		return ""
	}
	c := r.DevicePlugin
	table := markdownTable{columns: []string{
		"pods", r.columnName(stockScheduler) + ", pods/s", r.columnName(ashlarScheduler) + ", pods/s", "ratio",
	}}
	for _, form := range pluginForms() {
		table.addRow(append([]string{form.Words}, c.rateCells(form.Name, r.Limit)...)...)
	}
	return fmt.Sprintf("%d nodes of %d GPUs behind a device plugin, %d pods at a time, median of %d rounds in turn.\n\n%s",
		c.Size.Nodes, c.Size.Devices, c.Runs[0].Rounds[0].Asked, pluginRounds, table.String())
}
