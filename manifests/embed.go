package manifests

import _ "embed"

// SchedulerConfig is scheduler/scheduler-config.yaml: the KubeSchedulerConfiguration that
// base installs for ashlar-scheduler.
//
//go:embed scheduler/scheduler-config.yaml
var SchedulerConfig string
