package admission

import (
	"strings"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/serverhost"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// findWarnings finds what the scheduler would refuse, or what would keep the pod's server from
// starting, as far as that shows without a look at nodes.
func (r *podReview) findWarnings() {
	r.warnUnknownKeys()
	r.warnUnknownResources()
	r.warnUnknownClasses()
	r.warnServers()
}

// warnServers warns of what is wrong with the pod's model servers.
func (r *podReview) warnServers() {
	if r.claimed == 0 {
		r.claimed = r.countClaimed()
	}
	fatal := modelmemory.CannotStart(r.pod, r.claimed)
	if fatal != "" {
		r.warnings = append(r.warnings, fatal)
	}
	if _, err := (launch.Pod{Annotations: r.pod.Annotations}).Read(); err != nil {
		r.warnings = append(r.warnings, err.Error())
	}
	for _, doubt := range modelmemory.Doubts(r.pod) {
		if strings.HasPrefix(doubt, "annotation "+ownPrefix) {
			continue // warnUnknownKeys says it, of labels too
		}
		if !strings.Contains(doubt, "memory was not checked") && !strings.Contains(fatal, doubt) {
			r.warnings = append(r.warnings, doubt)
		}
	}
	for _, part := range modelmemory.LaunchParts(r.pod) {
		reading, err := part.Read()
		if err != nil || !reading.IsServer() {
			continue
		}
		r.warnHost(&reading)
	}
}

// warnHost warns of what stops a server beside its GPUs.
func (r *podReview) warnHost(reading *launch.Reading) {
	server := serverhost.ModelServer{Pod: &r.pod.Spec, Launch: reading.Launch, Model: reading.Model}
	if known, err := model.Known(reading.Model); err == nil {
		server.Weights = known.Loaded()
	}
	_ = eachContainer(r.pod, func(c *v1.Container, _ bool) error {
		if c.Name == reading.Container {
			server.Container = c
		}
		return nil
	})
	if server.Container == nil {
		return
	}
	place := "container " + server.Container.Name + ": "
	for _, note := range server.HostNotes() {
		r.warnings = append(r.warnings, place+note.WarningText(longestWarning-len(place)))
	}
}

// countClaimed is how many devices the pod's own claims give to it, 0 if that is not known.
func (r *podReview) countClaimed() int64 {
	count := int64(0)
	for i := range r.pod.Spec.ResourceClaims {
		name := r.pod.Spec.ResourceClaims[i].ResourceClaimTemplateName
		if name == nil {
			return 0
		}
		template := r.templateNamed(*name)
		if template == nil {
			return 0
		}
		for _, request := range template.Spec.Spec.Devices.Requests {
			most := int64(1)
			if request.Exactly != nil {
				if request.Exactly.AllocationMode == resourceapi.DeviceAllocationModeAll {
					return 0
				}
				most = max(most, request.Exactly.Count)
			}
			for _, sub := range request.FirstAvailable {
				if sub.AllocationMode == resourceapi.DeviceAllocationModeAll {
					return 0
				}
				most = max(most, sub.Count)
			}
			count += most
		}
	}
	return count
}
