package deviceplacement

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ashlar-dev/ashlar/plugins/apis/config"
	v1 "github.com/ashlar-dev/ashlar/plugins/apis/config/v1"
	"github.com/ashlar-dev/ashlar/plugins/apis/config/validation"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Options are the plugin's arguments with names resolved: see config.DevicePlacementArgs.
type Options struct {
	Policy            placement.Policy
	ExplainTimeout    time.Duration
	MaxExplainedNodes int
	Forecast          bool
	ScoreSpan         int64
	// Candidates is how many of the best nodes are asked, 0 for all.
	Candidates int
	// Pools is what reads the pools of drivers, if somebody else reads the same ones; nil for one of the plugin's own.
	Pools *resourceslices.PoolCache
}

// DefaultOptions are those of a configuration that states nothing.
func DefaultOptions() Options {
	args := &v1.DevicePlacementArgs{}
	v1.SetDefaultsDevicePlacementArgs(args)
	return Options{
		Policy: placement.KeepPlaceable{}, ExplainTimeout: args.ExplainTimeout.Duration, MaxExplainedNodes: int(*args.MaxExplainedNodes),
		Forecast: *args.Forecast, ScoreSpan: int64(*args.ScoreSpan), Candidates: int(*args.Candidates),
	}
}

// optionsFrom reads the arguments that the framework hands over. The error names every
// field that cannot be.
func optionsFrom(object runtime.Object) (Options, error) {
	if object == nil {
		return DefaultOptions(), nil
	}
	args, ok := object.(*config.DevicePlacementArgs)
	if !ok {
		return Options{}, fmt.Errorf("arguments of %s: want DevicePlacementArgs, got %T", Name, object)
	}
	if err := validation.ValidateDevicePlacementArgs(nil, args); err != nil {
		return Options{}, fmt.Errorf("arguments of %s: %w", Name, err)
	}
	policy, err := placement.PolicyNamed(args.Policy, placement.PriorDemand(), 0)
	if err != nil {
		return Options{}, fmt.Errorf("arguments of %s: %w", Name, err)
	}
	return Options{
		Policy: policy, ExplainTimeout: args.ExplainTimeout.Duration, MaxExplainedNodes: int(args.MaxExplainedNodes),
		Forecast: args.Forecast, ScoreSpan: int64(args.ScoreSpan), Candidates: int(args.Candidates),
	}, nil
}
