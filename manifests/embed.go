package manifests

import _ "embed"

// SchedulerConfig is base/scheduler-config.yaml: the KubeSchedulerConfiguration that
// base installs for ashlar-scheduler.
//
//go:embed base/scheduler-config.yaml
var SchedulerConfig string
