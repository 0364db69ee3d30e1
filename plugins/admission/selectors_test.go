package admission

import (
	"testing"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/cel"
)

// compileSelectors checks that the API server takes a claim's expressions.
func compileSelectors(t *testing.T, spec *resourceapi.ResourceClaimSpec) {
	t.Helper()
	check := func(selectors []resourceapi.DeviceSelector) {
		for _, s := range selectors {
			result := cel.GetCompiler(cel.Features{}).CompileCELExpression(s.CEL.Expression, cel.Options{})
			if result.Error != nil {
				t.Errorf("%s: %v", s.CEL.Expression, result.Error)
			}
			if n := len(s.CEL.Expression); n > resourceapi.CELSelectorExpressionMaxLength {
				t.Errorf("an expression has %d bytes", n)
			}
			if result.MaxCost > resourceapi.CELSelectorExpressionMaxCost {
				t.Errorf("%.200s costs up to %d", s.CEL.Expression, result.MaxCost)
			}
		}
	}
	for _, request := range spec.Devices.Requests {
		if request.Exactly != nil {
			check(request.Exactly.Selectors)
		}
		if n := len(request.FirstAvailable); n > resourceapi.FirstAvailableDeviceRequestMaxSize {
			t.Errorf("%d alternatives", n)
		}
		for _, sub := range request.FirstAvailable {
			check(sub.Selectors)
		}
	}
}
