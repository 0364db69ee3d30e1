package serverhost

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// noteServiceVariables is about a Service by the name of vllm: for it Kubernetes sets VLLM_PORT
// to an address in every container of the namespace, and vLLM takes that for a port of its
// own. Source: get_vllm_port in vllm/envs.py.
func (s *ModelServer) noteServiceVariables() []HostNote {
	const variable, service = "VLLM_PORT", "vllm"
	if s.Launch.Engine != memory.VLLM || !s.Neighbours.Services[service] {
		return nil
	}
	if links := s.Pod.EnableServiceLinks; links != nil && !*links {
		return nil
	}
	for _, v := range s.Container.Env {
		if v.Name == variable {
			return nil // the pod's own stands above it
		}
	}
	return []HostNote{{
		Cause:  fmt.Sprintf("Service %s makes Kubernetes set %s to tcp://...", service, variable),
		Detail: fmt.Sprintf("vLLM stops (\"%s ... appears to be a URI\")", variable),
		Remedy: "set enableServiceLinks: false in the pod, or rename the Service",
	}}
}
