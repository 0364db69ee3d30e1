package v1

import (
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/apis/config"
)

// convertToInternal converts arguments; what they leave out gets its default.
func convertToInternal(stated *DevicePlacementArgs, out *config.DevicePlacementArgs, _ conversion.Scope) error {
	in := stated.DeepCopy()
	SetDefaultsDevicePlacementArgs(in)
	*out = config.DevicePlacementArgs{
		Policy:            *in.Policy,
		ExplainTimeout:    *in.ExplainTimeout,
		MaxExplainedNodes: *in.MaxExplainedNodes,
		Forecast:          *in.Forecast,
		ScoreSpan:         *in.ScoreSpan,
		Candidates:        *in.Candidates,
	}
	return nil
}

func convertFromInternal(in *config.DevicePlacementArgs, out *DevicePlacementArgs, _ conversion.Scope) error {
	*out = DevicePlacementArgs{
		Policy:            ptr.To(in.Policy),
		ExplainTimeout:    ptr.To(in.ExplainTimeout),
		MaxExplainedNodes: ptr.To(in.MaxExplainedNodes),
		Forecast:          ptr.To(in.Forecast),
		ScoreSpan:         ptr.To(in.ScoreSpan),
		Candidates:        ptr.To(in.Candidates),
	}
	return nil
}
