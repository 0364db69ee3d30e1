package modelmemory

import (
	"fmt"
	"sync"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
	"github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// Server is the model server that a pod runs. It is safe for concurrent use.
type Server struct {
	name string
	// stated is the memory per GPU that the pod's annotation states; servers is empty then.
	stated topology.Bytes
	// servers has one entry, or several where the pod leaves the engine's release open:
	// a device is refused if none of them could run there.
	servers []*memory.Server
	// model and launches are what they were made from, and engine is its name for people.
	model    *model.Model
	launches []memory.Launch
	engine   string
	demand   memory.Demand

	mutex    sync.Mutex
	verdicts map[serverQuestion]string
	// changes are what would make it start on kinds of offers.
	changes map[string][]plan.FitRemedy
}

// Device is a GPU, a MIG slice or a share that the server could get.
type Device struct {
	GPU memory.GPU
	// Share is how much of the GPU's memory the pod would get, 0 for all of it.
	Share topology.Bytes
}

type serverQuestion = Device

// Of reads the pod's model server; nil if it runs none whose memory can be told, or several. The
// error is an annotation of ours that cannot be read.
func Of(pod *v1.Pod) (*Server, error) {
	if _, err := (launch.Pod{Annotations: pod.Annotations}).Read(); err != nil {
		return nil, err
	}
	return serverIn(pod, LaunchPod(pod.Annotations, &pod.Spec)), nil
}

// serverIn is the model server that a pod runs in the containers that launched has; nil if there is
// none whose memory can be told.
func serverIn(pod *v1.Pod, launched launch.Pod) *Server {
	reading, err := launched.Read()
	if err != nil {
		return nil // the server itself will say what is wrong with its settings
	}
	s := &Server{name: reading.Model, stated: reading.GPUMemory, verdicts: map[serverQuestion]string{},
		demand: memory.Demand{Context: reading.Context, Requests: reading.Concurrency}}
	if s.stated > 0 {
		return s
	}
	if !isSettled(pod, reading) {
		return nil
	}
	m, err := model.Known(reading.Model)
	if err != nil {
		return nil // a model that is not known is placed by what the pod asks for
	}
	s.model, s.engine = m, reading.Launch.Engine.Title()
	for _, version := range versionsOf(reading) {
		reading.Launch.Version = version
		server, err := memory.NewServer(m, reading.Launch)
		if err != nil {
			return nil // the engine will say so itself
		}
		s.servers, s.launches = append(s.servers, server), append(s.launches, reading.Launch)
	}
	if len(s.servers) == 0 {
		return nil
	}
	return s
}

// isSettled reports whether the pod settles all that the server's memory depends on: a
// setting that is unknown could be the one that makes it fit.
func isSettled(pod *v1.Pod, reading launch.Reading) bool {
	return reading.IsServer() && reading.Model != "" && len(openSettings(reading)) == 0 && len(reading.Overrides) == 0 &&
		!openEnvironment(pod, reading)
}

// firstAccounted is the first release of vLLM whose accounting is known.
var firstAccounted = memory.Version{Minor: 10}

// versionsOf are the releases to judge by: the one that the pod states, or those
// between which vLLM's accounting changed; none if it is older than what is known.
func versionsOf(reading launch.Reading) []memory.Version {
	version := reading.Launch.Version
	switch {
	case reading.Launch.Engine != memory.VLLM,
		reading.IsKnown(launch.FieldVersion) && !version.Before(firstAccounted.Major, firstAccounted.Minor):
		return []memory.Version{version}
	case reading.IsKnown(launch.FieldVersion):
		return nil
	}
	return []memory.Version{{Minor: 11}, {Minor: 17}, {Minor: 26}, {}}
}

// Refuses says why the server could not run on the device, "" if it may.
func (s *Server) Refuses(d Device) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if because, known := s.verdicts[d]; known {
		return because
	}
	because := s.refusesDevice(d)
	s.verdicts[d] = because
	return because
}

func (s *Server) refusesDevice(d Device) string {
	available := d.GPU.Total
	if d.Share > 0 {
		available = d.Share
	}
	if s.stated > 0 {
		if s.stated > available {
			return fmt.Sprintf("the pod states %s per GPU (%s), %s has %s", s.stated, launch.GPUMemoryAnnotation, d.GPU.Name, available)
		}
		return ""
	}
	because := ""
	for _, server := range s.servers {
		if because = s.refusedBy(server, d); because == "" {
			return ""
		}
	}
	return because
}

func (s *Server) refusedBy(server *memory.Server, d Device) string {
	e := server.On(d.GPU, s.demand)
	switch {
	case !e.MayStart():
		return e.Explain()
	case d.Share > 0 && e.Claims() > d.Share:
		return fmt.Sprintf("the engine would take %s of %s, more than the share of %s: %s", e.Claims(), d.GPU.Name, d.Share,
			engineAdvice(&e, d.Share))
	}
	return ""
}

// engineAdvice is how to make an engine stay within a share.
func engineAdvice(e *memory.Estimate, share topology.Bytes) string {
	if need := e.Need().Start; need > share {
		return fmt.Sprintf("ask for %s at least", need)
	}
	return fmt.Sprintf("give it --gpu-memory-utilization=%.2f", e.Share(share))
}

// openEnvironment reports whether settings may come from variables that are not in
// the pod: TGI takes all of its own from the environment.
func openEnvironment(pod *v1.Pod, reading launch.Reading) bool {
	for i := range pod.Spec.Containers {
		if c := &pod.Spec.Containers[i]; c.Name == reading.Container && len(c.EnvFrom) > 0 {
			return reading.Launch.Engine == memory.TGI
		}
	}
	return false
}

// LeastOn is the least that the server needs of the device, whatever its engine would take.
func (s *Server) LeastOn(d Device) topology.Bytes {
	least := s.stated
	for i, server := range s.servers {
		estimate := server.On(d.GPU, s.demand)
		if need := estimate.Need().Start; i == 0 || need < least {
			least = need
		}
	}
	return least
}

// Claims is how much of the device's memory the server takes, whether or not it can start
// there: what the pod states, or what its engine takes, and no less than it needs. Where the engine's release is not
// known it is the most that any takes.
func (s *Server) Claims(d Device) topology.Bytes {
	if s.stated > 0 {
		return s.stated
	}
	most := topology.Bytes(0)
	for _, server := range s.servers {
		estimate := server.On(d.GPU, s.demand)
		most = max(most, estimate.Claims(), estimate.Need().Start)
	}
	return most
}
