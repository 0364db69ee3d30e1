// Package configapi is what DeviceClasses and claims can say about how Ashlar's driver is to
// set its devices up: the opaque parameters of their config entries.
//
//	apiVersion gpu.ashlar.dev/v1alpha1
//	  GpuConfig    sharing: strategy None | TimeSlicing | MPS, timeSlicing.interval, mps
//	  MigConfig    sharing: strategy None | MPS, mps
//	  ShareConfig  strategy TimeSlicing | MPS, defaultActiveThreadPercentage, pinnedMemoryLimit
//	apiVersion resource.nvidia.com/v1beta1, where it means the same
//	  GpuConfig, MigDeviceConfig
//
//	config.go     Config: what of it counts for one device; defaults; limits of a share
//	decode.go     Decode: bytes to a Config; apiVersions and kinds
//	ashlar.go     our kinds; nvidia.go those of NVIDIA's driver
//	object.go     reading JSON strictly: each error has the field's path and what is wanted
//	resolve.go    ResolveConfig: which of several configs counts for a device
//	unused.go     FindUnusedConfig: a config that counts for none
//
// Decoding is strict: fields that are unknown or given twice, wrong types, and values out of range
// are errors, all of them at once. Nothing is ignored silently, because a setting
// with a typing error would else be a GPU without the isolation that somebody asked for.
package configapi
