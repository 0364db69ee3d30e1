package v1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// SetDefaultsDevicePlacementArgs fills in what is left out.
func SetDefaultsDevicePlacementArgs(a *DevicePlacementArgs) {
	setDefault(&a.Policy, placement.KeepPlaceable{}.Name())
	setDefault(&a.ExplainTimeout, metav1.Duration{Duration: time.Second})
	setDefault(&a.MaxExplainedNodes, 64)
	setDefault(&a.Forecast, true)
	setDefault(&a.ScoreSpan, 100)
	setDefault(&a.Candidates, 8)
}

func setDefault[T any](field **T, value T) {
	if *field == nil {
		*field = ptr.To(value)
	}
}
