package v1

import (
	"fmt"

	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	schedconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
)

// SchemeGroupVersion is the group and version of the types here.
var SchemeGroupVersion = schema.GroupVersion{Group: schedconfig.GroupName, Version: "v1"}

// AddToScheme registers the types of this package, their defaults and their conversion
// to the internal version.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(SchemeGroupVersion, &DevicePlacementArgs{})
	scheme.AddTypeDefaultingFunc(&DevicePlacementArgs{}, func(object any) {
		if args, ok := object.(*DevicePlacementArgs); ok {
			SetDefaultsDevicePlacementArgs(args)
		}
	})
	if err := addConversion(scheme, convertToInternal); err != nil {
		return err
	}
	return addConversion(scheme, convertFromInternal)
}

// addConversion registers a conversion from one type to another.
func addConversion[In, Out any](scheme *runtime.Scheme, convert func(*In, *Out, conversion.Scope) error) error {
	return scheme.AddConversionFunc((*In)(nil), (*Out)(nil), func(a, b any, scope conversion.Scope) error {
		in, isIn := a.(*In)
		out, isOut := b.(*Out)
		if !isIn || !isOut {
			return fmt.Errorf("converting %T to %T: want %T to %T", a, b, in, out)
		}
		return convert(in, out, scope)
	})
}
