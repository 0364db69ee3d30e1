// Package v1 holds the arguments of Ashlar's scheduler plugins as they are written in a
// KubeSchedulerConfiguration of version kubescheduler.config.k8s.io/v1:
//
//	pluginConfig:
//	- name: DevicePlacement
//	  args:
//	    policy: keep-placeable
//	    explainTimeout: 1s
//	    maxExplainedNodes: 64
//	    forecast: true
//	    scoreSpan: 100
//	    candidates: 8
//
// Every field may be left out: these are the defaults.
package v1
