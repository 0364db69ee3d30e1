package launch

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// Read finds the pod's model server among its containers and reads its settings. A
// pod without one gives a Reading whose IsServer is false, with what the annotations
// say. Errors are settings that the server would refuse, malformed annotations, and
// pods with several model servers.
func (p Pod) Read() (Reading, error) {
	if len(p.Containers) > maxWords || len(p.InitContainers) > maxWords {
		return Reading{}, fmt.Errorf("more than %d containers", maxWords)
	}
	forced := memory.Engine("")
	if text, found := p.Annotations[EngineAnnotation]; found {
		var err error
		if forced, err = parseEngine(text); err != nil {
			return Reading{}, fmt.Errorf("annotation %s %.80q: %w", EngineAnnotation, text, err)
		}
	}
	var version *memory.Version
	if text, found := p.Annotations[EngineVersionAnnotation]; found {
		v, err := memory.ParseVersion(text)
		if err != nil {
			return Reading{}, fmt.Errorf("annotation %s %.80q: %w", EngineVersionAnnotation, text, err)
		}
		version = &v
	}
	servers, plain, err := p.readServers(forced, version)
	if err != nil {
		return Reading{}, err
	}
	r := plain
	switch {
	case len(servers) == 1:
		r = servers[0]
	case len(servers) > 1 && p.Annotations[GPUMemoryAnnotation] != "":
		r = servers[0]
	case len(servers) > 1:
		names := make([]string, 0, len(servers))
		for _, s := range servers {
			names = append(names, s.Container)
		}
		return Reading{}, fmt.Errorf("containers %s are model servers all: give each a pod, or state the memory of all on each GPU with "+
			"annotation %s", strings.Join(names, ", "), GPUMemoryAnnotation)
	}
	return r, r.applyAnnotations(p.Annotations)
}

// readServers reads all containers. plain is the reading of a pod that has none: with an
// engine in the annotations, of its only container that asks for GPUs.
func (p Pod) readServers(forced memory.Engine, version *memory.Version) (servers []Reading, plain Reading, err error) {
	plain = Reading{Explicit: map[Field]string{}}
	stored := p.modelSources()
	var asking []Container
	for _, c := range p.Containers {
		r, err := readVersioned(c, stored, version)
		if err != nil {
			return nil, plain, fmt.Errorf("container %s: %w", c.Name, err)
		}
		if r.IsServer() {
			servers = append(servers, r)
		}
		if c.GPUs > 0 || len(p.Containers) == 1 {
			asking = append(asking, c)
		}
	}
	// With GPUs, a server beside others that have none is the one that counts.
	if len(servers) > 1 {
		var with []Reading
		for _, s := range servers {
			for _, c := range asking {
				if c.Name == s.Container {
					with = append(with, s)
				}
			}
		}
		if len(with) > 0 {
			servers = with
		}
	}
	if len(servers) == 0 && forced != "" && len(asking) == 1 {
		c := asking[0]
		c.Engine = forced
		r, err := readVersioned(c, stored, version)
		if err != nil {
			return nil, plain, fmt.Errorf("container %s: %w", c.Name, err)
		}
		plain = r
	}
	return servers, plain, nil
}
