package simulated

import (
	"reflect"
	"strings"
	"sync"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
)

// unsupportedInterface is an NVML of which every function is missing.
var unsupportedInterface = sync.OnceValue(func() nvml.Interface {
	library := &mock.Interface{}
	refuseAll(library)
	return library
})

// unsupportedDevice is a GPU that supports no function.
var unsupportedDevice = sync.OnceValue(func() nvml.Device {
	device := &mock.Device{}
	refuseAll(device)
	return device
})

// unsupportedInstance is a GPU instance that supports no function, unsupportedCompute a
// compute instance, unsupportedEventSet a set of events.
var (
	unsupportedInstance = sync.OnceValue(func() nvml.GpuInstance {
		instance := &mock.GpuInstance{}
		refuseAll(instance)
		return instance
	})
	unsupportedCompute = sync.OnceValue(func() nvml.ComputeInstance {
		instance := &mock.ComputeInstance{}
		refuseAll(instance)
		return instance
	})
	unsupportedEventSet = sync.OnceValue(func() nvml.EventSet {
		set := &mock.EventSet{}
		refuseAll(set)
		return set
	})
)

// refuseAll sets every function of a mock of go-nvml, which panics where one is
// missing, to one that returns ERROR_NOT_SUPPORTED and zero values. The mocks
// hold a method X in a field XFunc; there are some 300, and more with every
// version of go-nvml.
func refuseAll(mock any) {
	fields := reflect.ValueOf(mock).Elem()
	for i := range fields.NumField() {
		field, name := fields.Field(i), fields.Type().Field(i).Name
		if field.Kind() == reflect.Func && strings.HasSuffix(name, "Func") {
			field.Set(reflect.MakeFunc(field.Type(), refuseCall(field.Type())))
		}
	}
}

// refuseCall returns the body of a function of the given type.
func refuseCall(function reflect.Type) func([]reflect.Value) []reflect.Value {
	notSupported := reflect.ValueOf(nvml.ERROR_NOT_SUPPORTED)
	return func([]reflect.Value) []reflect.Value {
		results := make([]reflect.Value, function.NumOut())
		for i := range results {
			results[i] = reflect.Zero(function.Out(i))
			if function.Out(i) == notSupported.Type() {
				results[i] = notSupported
			}
		}
		return results
	}
}
