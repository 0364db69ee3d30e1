package whatif

import (
	"fmt"

	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	configscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
)

// profile is that of manifests/base/scheduler-config.yaml without what acts on a
// cluster, needs objects that a snapshot lacks, or is done here in another way: gangs
// by gang.go, preemption not at all.
const profile = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: ashlar-scheduler
  plugins:
    multiPoint:
      enabled:
      - name: DevicePlacement
      - name: DevicePlacementScore
        weight: 10
      disabled:
      - name: DynamicResources
      - name: DefaultPreemption
      - name: NodeVolumeLimits
      - name: VolumeBinding
      - name: VolumeRestrictions
      - name: VolumeZone
`

// readProfile reads the first profile of a KubeSchedulerConfiguration, with defaults.
func readProfile(text []byte) (*config.KubeSchedulerProfile, error) {
	object, _, err := configscheme.Codecs.UniversalDecoder().Decode(text, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("scheduler configuration: %w", err)
	}
	read, ok := object.(*config.KubeSchedulerConfiguration)
	if !ok || len(read.Profiles) == 0 {
		return nil, fmt.Errorf("scheduler configuration: got a %T without profiles", object)
	}
	return &read.Profiles[0], nil
}
