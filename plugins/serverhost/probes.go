package serverhost

import (
	"cmp"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
)

// readingRate is how fast weights reach GPUs at a first start: from a local NVMe drive, or
// over a network of 10 Gbit/s. Slower storage is usual.
const readingRate = topology.GiB

// Beside reading its weights, a server imports its libraries, profiles a step and, unless
// it runs eagerly, compiles and captures graphs. vLLM's logs of starts say 33 s ("init
// engine (profile, create kv cache, warmup model) took") with --enforce-eager and 136 to 330
// s without; these are at the low end, with 15 s for imports.
const (
	eagerStart    = 45 * time.Second
	compiledStart = 90 * time.Second
)

// startTime is about how long a start takes at least.
func (s *ModelServer) startTime() time.Duration {
	return time.Duration(float64(s.Weights)/float64(readingRate)*float64(time.Second)) + s.restOfStart()
}

// restOfStart is what a start takes beside reading weights.
func (s *ModelServer) restOfStart() time.Duration {
	if s.Launch.Eager {
		return eagerStart
	}
	return compiledStart
}

// noteProbes is about probes that end the server before it is up: the startup probe, or where
// there is none, the liveness probe.
func (s *ModelServer) noteProbes() []string {
	name, probe := "startupProbe", s.Container.StartupProbe
	if probe == nil {
		name, probe = "livenessProbe", s.Container.LivenessProbe
	}
	if probe == nil || probe.HTTPGet == nil && probe.TCPSocket == nil && probe.GRPC == nil {
		return nil // what a command answers is not known
	}
	allowed, start := probeTime(probe), s.startTime().Round(time.Second)
	if allowed >= start {
		return nil
	}
	const period = 10
	failures := (int64(2*start/time.Second)/period + 9) / 10 * 10
	remedy := fmt.Sprintf("add a startupProbe with periodSeconds: %d and failureThreshold: %d", period, failures)
	if name == "startupProbe" {
		remedy = fmt.Sprintf("give it failureThreshold: %d with periodSeconds: %d", failures, period)
	}
	return []string{fmt.Sprintf("the %s gives %s, and a start takes about %s (%s of weights at 1GiB/s, %s for the rest): the kubelet "+
		"restarts the container again and again before it is up: %s", name, allowed, start, s.Weights, s.restOfStart(), remedy)}
}

// probeTime is how long a probe that fails lets a container live.
func probeTime(p *corev1.Probe) time.Duration {
	seconds := int64(p.InitialDelaySeconds) + int64(cmp.Or(p.PeriodSeconds, 10))*int64(cmp.Or(p.FailureThreshold, 3))
	return time.Duration(seconds) * time.Second
}
