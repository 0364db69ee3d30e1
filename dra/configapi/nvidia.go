package configapi

import (
	"github.com/ashlar-dev/ashlar/dra"
)

const ofComputeDomains = "is about multi-node memory, which NVIDIA's compute-domain driver sets up: " +
	"keep it for requests of that driver"

// refusedKinds are kinds of NVIDIA's driver that have no meaning here.
var refusedKinds = map[string]string{
	"VfioDeviceConfig":           "hands a GPU to a virtual machine, which this driver does not do",
	"ComputeDomainChannelConfig": ofComputeDomains,
	"ComputeDomainDaemonConfig":  ofComputeDomains,
}

// readNVIDIAGPUConfig reads the GpuConfig of NVIDIA's driver.
func readNVIDIAGPUConfig(o *object) Config {
	config := DefaultConfig(dra.FormGPU)
	sharing := o.takeObject("sharing")
	if sharing == nil {
		return config
	}
	config.Strategy = sharing.requireStrategy(TimeSlicing, MPS)
	if slicing := sharing.takeMember("timeSlicingConfig", config.Strategy, TimeSlicing); slicing != nil {
		config.Interval = slicing.takeInterval()
		slicing.close()
	}
	sharing.readNVIDIAMPS(&config)
	sharing.close()
	return config
}

// readNVIDIAMIGConfig reads MigDeviceConfig. TimeSlicing has no effect on a MIG instance in
// NVIDIA's driver; here it is the default.
func readNVIDIAMIGConfig(o *object) Config {
	config := DefaultConfig(dra.FormMIG)
	sharing := o.takeObject("sharing")
	if sharing == nil {
		return config
	}
	config.Strategy = sharing.requireStrategy(TimeSlicing, MPS)
	sharing.refuse("timeSlicingConfig", "MIG instances have no time slice of their own: leave it out")
	sharing.readNVIDIAMPS(&config)
	sharing.close()
	if config.Strategy == TimeSlicing {
		config.Strategy = None
	}
	return config
}

// readNVIDIAMPS takes mpsConfig.
func (o *object) readNVIDIAMPS(config *Config) {
	mps := o.takeMember("mpsConfig", config.Strategy, MPS)
	if mps == nil {
		return
	}
	config.ActiveThreadPercentage = mps.takePercentage("defaultActiveThreadPercentage")
	config.PinnedMemory = mps.takeMemory("defaultPinnedDeviceMemoryLimit")
	mps.refuse("defaultPerDevicePinnedMemoryLimit",
		"this driver has a daemon for each GPU: give the requests config entries of their own, with defaultPinnedDeviceMemoryLimit")
	mps.refuse("multiUser", "this driver does not set up MPS for several users: leave it out")
	mps.close()
}
