package config

import "k8s.io/apimachinery/pkg/runtime"

// DeepCopy copies the arguments.
func (a *DevicePlacementArgs) DeepCopy() *DevicePlacementArgs {
	if a == nil {
		return nil
	}
	copied := *a
	return &copied
}

// DeepCopyObject implements runtime.Object.
func (a *DevicePlacementArgs) DeepCopyObject() runtime.Object {
	if a == nil {
		return nil
	}
	return a.DeepCopy()
}
