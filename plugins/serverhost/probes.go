package serverhost

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// ReadingRate is how many bytes of weights reach GPUs in a second at a first start where nothing
// says how fast the storage is: from a local NVMe drive, or over a network of 10 Gbit/s. Slower
// storage is usual.
const ReadingRate = topology.GiB

// Beside reading its weights, a server imports its libraries, profiles a step and, unless
// it runs eagerly, compiles and captures graphs. vLLM's logs of starts say 33 s ("init
// engine (profile, create kv cache, warmup model) took") with --enforce-eager and 136 to 330
// s without; these are at the low end, with 15 s for imports. What only loads a model has no more
// to do.
const (
	importStart   = 15 * time.Second
	eagerStart    = 45 * time.Second
	compiledStart = 90 * time.Second
)

// startTolerance is by how much a start may take less than it is reckoned with.
const startTolerance = 5

// startTime is about how long a start takes at least.
func (s *ModelServer) startTime() time.Duration {
	return time.Duration(float64(s.Weights)/float64(s.readingRate())*float64(time.Second)) + s.restOfStart()
}

func (s *ModelServer) readingRate() topology.Bytes {
	if s.ReadingRate > 0 {
		return s.ReadingRate
	}
	return ReadingRate
}

// restOfStart is what a start takes beside reading weights.
func (s *ModelServer) restOfStart() time.Duration {
	switch {
	case s.Launch.Engine == memory.Plain:
		return importStart
	case s.Launch.Eager:
		return eagerStart
	}
	return compiledStart
}

// noteProbes is about probes that end the server before it is up: the startup probe, or where
// there is none, the liveness probe. Starts that take a fifth less than reckoned end no server.
func (s *ModelServer) noteProbes() []HostNote {
	name, probe := "startupProbe", s.Container.StartupProbe
	if probe == nil {
		name, probe = "livenessProbe", s.Container.LivenessProbe
	}
	if probe == nil || !asksServer(probe) || s.Launch.Engine == "" {
		return nil // what a command answers, or how an engine starts, is not known
	}
	allowed, start := probeTime(probe), s.startTime().Round(time.Second)
	if allowed >= start-start/startTolerance {
		return nil
	}
	const period = 10
	failures := (int64(2*start/time.Second)/period + 9) / 10 * 10
	remedy := fmt.Sprintf("add a startupProbe with periodSeconds: %d and failureThreshold: %d", period, failures)
	if name == "startupProbe" {
		remedy = fmt.Sprintf("give it failureThreshold: %d with periodSeconds: %d", failures, period)
	}
	return []HostNote{{
		Cause: fmt.Sprintf("the %s gives %s, and a start takes about %s (%s of weights at %s/s, %s for the rest)", name, allowed, start,
			s.Weights, s.readingRate(), s.restOfStart()),
		Detail: "the kubelet restarts the container again and again before it is up",
		Remedy: remedy,
		Lines:  []string{probeLine("startupProbe", fmt.Sprintf("periodSeconds: %d, failureThreshold: %d", period, failures), probe)},
	}}
}

// asksServer reports whether a probe fails until the server is up: one over the network, or a
// command that calls it.
func asksServer(p *corev1.Probe) bool {
	if p.Exec == nil {
		return p.HTTPGet != nil || p.TCPSocket != nil || p.GRPC != nil
	}
	return slices.ContainsFunc(p.Exec.Command, func(word string) bool {
		first, _, _ := strings.Cut(strings.TrimSpace(word), " ")
		return first == "curl" || first == "wget" || first == "nc"
	})
}

// probeTime is how long a probe that fails lets a container live.
func probeTime(p *corev1.Probe) time.Duration {
	seconds := int64(p.InitialDelaySeconds) + int64(cmp.Or(p.PeriodSeconds, 10))*int64(cmp.Or(p.FailureThreshold, 3))
	return time.Duration(seconds) * time.Second
}
