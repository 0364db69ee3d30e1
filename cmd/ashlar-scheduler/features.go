package main

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/client-go/discovery"
	"k8s.io/component-base/featuregate"

	"github.com/ashlar-dev/ashlar/internal/apiserver"
)

// adaptToServer finds out what the API server lacks and returns a line about each. It
// switches off the gates for which this process would watch an API that the server does
// not serve: the scheduler would not start scheduling.
func adaptToServer(
	ctx context.Context, client discovery.DiscoveryInterfaceWithContext, gates featuregate.MutableFeatureGate,
) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	watched := apiserver.WatchedFeatures()
	server, err := apiserver.DiscoverServer(ctx, client, watched)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, feature := range apiserver.MissingFeatures(server, apiserver.SchedulerFeatures()) {
		lines = append(lines, apiserver.DescribeMissing(server, feature))
	}
	for _, feature := range apiserver.MissingFeatures(server, watched) {
		gate := featuregate.Feature(feature.Gate)
		if !gates.Enabled(gate) {
			continue
		}
		if err := disableGate(gates, gate); err != nil {
			return nil, fmt.Errorf("%s; switching %s off: %w", apiserver.DescribeMissing(server, feature), gate, err)
		}
		lines = append(lines, apiserver.DescribeMissing(server, feature)+"; switched off here")
	}
	return lines, nil
}

// disableGate switches a gate off, and with it those that are on and build on it.
func disableGate(gates featuregate.MutableFeatureGate, gate featuregate.Feature) error {
	off := []featuregate.Feature{gate}
	for i := 0; i < len(off); i++ {
		for dependent, needs := range gates.Dependencies() {
			if slices.Contains(needs, off[i]) && gates.Enabled(dependent) && !slices.Contains(off, dependent) {
				off = append(off, dependent)
			}
		}
	}
	settings := map[string]bool{}
	for _, gate := range off {
		settings[string(gate)] = false
	}
	return gates.SetFromMap(settings)
}
