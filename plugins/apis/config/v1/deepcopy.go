package v1

import "k8s.io/apimachinery/pkg/runtime"

// DeepCopy copies the arguments.
func (a *DevicePlacementArgs) DeepCopy() *DevicePlacementArgs {
	if a == nil {
		return nil
	}
	return &DevicePlacementArgs{
		TypeMeta:          a.TypeMeta,
		Policy:            copyField(a.Policy),
		ExplainTimeout:    copyField(a.ExplainTimeout),
		MaxExplainedNodes: copyField(a.MaxExplainedNodes),
		Forecast:          copyField(a.Forecast),
		ScoreSpan:         copyField(a.ScoreSpan),
		Candidates:        copyField(a.Candidates),
	}
}

func copyField[T any](field *T) *T {
	if field == nil {
		return nil
	}
	copied := *field
	return &copied
}

// DeepCopyObject implements runtime.Object.
func (a *DevicePlacementArgs) DeepCopyObject() runtime.Object {
	if a == nil {
		return nil
	}
	return a.DeepCopy()
}
