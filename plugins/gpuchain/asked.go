package gpuchain

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// gpuDrivers are the DRA drivers that offer NVIDIA's GPUs.
var gpuDrivers = []string{deviceapi.Driver, deviceapi.NVIDIADriver}

// gpuRequest is what of GPUs a pod asks for.
type gpuRequest struct {
	resource string   // an extended resource, "" if it asks by claim
	class    string   // a DeviceClass, "" if it asks for an extended resource
	drivers  []string // whose devices the class takes
}

// requestedGPUs is the first thing of GPUs that the evidence's pod asks for.
func (e *Evidence) requestedGPUs() (gpuRequest, bool) {
	if e.Pod == nil {
		return gpuRequest{}, false
	}
	for _, containers := range [][]corev1.Container{e.Pod.Spec.Containers, e.Pod.Spec.InitContainers} {
		for i := range containers {
			for _, list := range []corev1.ResourceList{containers[i].Resources.Requests, containers[i].Resources.Limits} {
				if request, found := e.requestedIn(list); found {
					return request, true
				}
			}
		}
	}
	for _, claim := range e.Claims {
		if claim == nil {
			continue
		}
		for _, request := range claim.Spec.Devices.Requests {
			var classes []string
			if request.Exactly != nil {
				classes = append(classes, request.Exactly.DeviceClassName)
			}
			for _, alternative := range request.FirstAvailable {
				classes = append(classes, alternative.DeviceClassName)
			}
			for _, class := range classes {
				if drivers := e.driversOf(class); len(drivers) > 0 {
					return gpuRequest{class: class, drivers: drivers}, true
				}
			}
		}
	}
	return gpuRequest{}, false
}

// requestedIn finds the first name of GPUs in a list, in the order of names.
func (e *Evidence) requestedIn(list corev1.ResourceList) (gpuRequest, bool) {
	var names []string
	for name, quantity := range list {
		if !quantity.IsZero() {
			names = append(names, string(name))
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if deviceapi.IsGPUResource(name) {
			return gpuRequest{resource: name}, true
		}
		if class, implicit := strings.CutPrefix(name, resourceapi.ResourceDeviceClassPrefix); implicit {
			if drivers := e.driversOf(class); len(drivers) > 0 {
				return gpuRequest{class: class, drivers: drivers}, true
			}
		}
	}
	return gpuRequest{}, false
}

// driversOf says whose GPUs a DeviceClass takes: those that its selectors name, or, if
// the class is not known, the driver that it is named after.
func (e *Evidence) driversOf(class string) []string {
	var named []string
	for _, driver := range gpuDrivers {
		_, domain, _ := strings.Cut(driver, ".")
		if class == driver || strings.HasSuffix(class, "."+driver) || class == "mig."+domain {
			named = append(named, driver)
		}
	}
	for _, known := range e.DeviceClasses {
		if known == nil || known.Name != class {
			continue
		}
		var selected []string
		for _, selector := range known.Spec.Selectors {
			for _, driver := range gpuDrivers {
				if selector.CEL != nil && strings.Contains(selector.CEL.Expression, driver) && !slices.Contains(selected, driver) {
					selected = append(selected, driver)
				}
			}
		}
		if len(selected) > 0 {
			return selected
		}
	}
	return named
}
