package scenario

import (
	"errors"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
	"github.com/ashlar-dev/ashlar/topology/memory/plan"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Model is a model server, sized by package memory: it takes the whole GPUs, the MIG
// instance or the share of a GPU that hold its weights and the KV cache.
type Model struct {
	// Name is a model that `ashlar plan` knows.
	Name string `json:"name"`
	// MaxModelLen is the longest request in tokens, Concurrency how many such requests
	// are to fit at once.
	MaxModelLen int64 `json:"maxModelLen,omitempty"`
	Concurrency int64 `json:"concurrency,omitempty"`
	// Engine is vllm, the default, or another that `ashlar plan` knows.
	Engine string `json:"engine,omitempty"`
}

func (m *Model) checkFields(path string) error {
	bounds := errors.Join(checkRange(path+".maxModelLen", m.MaxModelLen, 0, 1<<24), checkRange(path+".concurrency", m.Concurrency, 0, 1<<16))
	known, err := model.Known(m.Name)
	if err != nil {
		return errors.Join(bounds, fieldErrorf(path+".name", "%v", err))
	}
	if bounds != nil {
		return bounds
	}
	if _, err := memory.NewServer(known, m.memoryLaunch()); err != nil {
		return fieldErrorf(path, "%v", err)
	}
	return nil
}

func (m *Model) titleText() string { return m.Name }

func (m *Model) memoryLaunch() memory.Launch {
	engine := memory.Engine(m.Engine)
	if engine == "" {
		engine = memory.VLLM
	}
	return memory.Launch{Engine: engine, MaxModelLen: m.MaxModelLen}
}

func (m *Model) memoryDemand() memory.Demand {
	return memory.Demand{Context: m.MaxModelLen, Requests: m.Concurrency}
}

// serverFit is how a model server runs on one GPU model.
type serverFit struct {
	// whole is on how many GPUs it runs, 0 if it does not.
	whole int64
	// share is the memory to ask for of a shared GPU, 0 if it cannot share.
	share topology.Bytes
	// weights is what all its GPUs load together.
	weights topology.Bytes
	// claims is what it takes of a GPU that it believes to be its own.
	claims topology.Bytes
	// profiles are the MIG profiles that hold it, with what it takes of an instance that it
	// believes to be its own.
	profiles map[mig.ProfileID]topology.Bytes
}

// fitOn works out how the server runs on a GPU model of which a node has count.
func (m *Model) fitOn(known *model.Model, gpu *topology.Model, count int64, c *catalogue.Catalogue) serverFit {
	f := serverFit{profiles: map[mig.ProfileID]topology.Bytes{}}
	if gpu.Memory == 0 {
		return f
	}
	whole := memory.GPUOffer{GPU: memory.WholeGPU(gpu), Model: gpu.Name, Most: count}
	option := memory.FindOptions(known, m.memoryLaunch(), []memory.GPUOffer{whole}, m.memoryDemand())[0]
	if !option.Holds() {
		return f
	}
	f.whole, f.claims = option.GPUs, option.Estimate.Claims()
	f.weights = option.Estimate.WeightBytes() * topology.Bytes(option.GPUs)
	if f.whole > 1 {
		return f
	}
	if share, ok := plan.ShareFor(known, m.memoryLaunch(), m.memoryDemand(), gpu); ok {
		f.share = share.Memory
	}
	if gpu.MIG == "" {
		return f
	}
	table, err := c.MIG(gpu.MIG)
	if err != nil {
		return f // the catalogue checks that the table is there
	}
	for i := range table.Profiles {
		profile := &table.Profiles[i]
		if profile.Memory == 0 {
			continue // no capture shows it
		}
		slice := memory.GPUOffer{GPU: memory.MIGSlice(gpu, profile.Name, profile.Memory), Model: gpu.Name, Profile: profile.Name, Most: 1}
		if option := memory.FindOptions(known, m.memoryLaunch(), []memory.GPUOffer{slice}, m.memoryDemand())[0]; option.Holds() {
			f.profiles[profile.ID] = option.Estimate.Claims()
		}
	}
	return f
}

// modelRequest is what the server asks of nodes of one make.
func (r *Request) modelRequest(b *inputBuilder, inv *placement.Inventory) simulator.NodeRequest {
	fits := map[*topology.Model]serverFit{}
	counts := map[*topology.Model]int64{}
	for _, gpu := range inv.Node.GPUs {
		counts[gpu.Model]++
	}
	for gpu, count := range counts {
		fits[gpu] = b.fitOf(r.Model, gpu, count)
	}
	part := placement.Part{Name: "gpu", Count: 1}
	degree := int64(0)
	for _, f := range fits {
		if f.whole > 0 && (degree == 0 || f.whole < degree) {
			degree = f.whole
		}
	}
	for _, f := range fits {
		if f.whole == degree {
			part.Bytes = max(part.Bytes, f.share)
		}
	}
	part.Count = int(max(1, degree))
	request := simulator.NodeRequest{UsesMemory: topology.Bytes(r.Uses)}
	if b.sharing.replicaTerms().replicas > 0 {
		return r.modelReplicas(b, inv, fits, part.Count)
	}
	acceptable := r.acceptedDevices(inv, placement.Whole, 0)
	shares, instances := r.acceptedDevices(inv, placement.Share, 0), r.acceptedDevices(inv, placement.MIG, 0)
	part.Accepts = placement.NewDeviceSet(len(inv.Devices))
	for i := range inv.Devices {
		device := &inv.Devices[i]
		f := fits[inv.Node.GPUs[device.GPU].Model]
		if f.whole == 0 || f.whole != degree {
			continue
		}
		if acceptable.Has(i) ||
			b.sharing == ByRequest && degree == 1 && (shares.Has(i) && f.share > 0 || instances.Has(i) && f.profiles[device.Profile] > 0) {
			part.Accepts.Add(i)
		}
	}
	request.Request = &placement.Request{Parts: []placement.Part{part}}
	return request
}

// modelReplicas is what the server asks of nodes of one make whose GPUs are handed out in
// replicas: count of them. It does not know of the others on its part of a GPU, nor of the
// limit of an MPS client, and takes what it would take if the part were its own.
func (r *Request) modelReplicas(
	b *inputBuilder, inv *placement.Inventory, fits map[*topology.Model]serverFit, count int,
) simulator.NodeRequest {
	terms := b.sharing.replicaTerms()
	request := simulator.NodeRequest{UsesMemory: topology.Bytes(r.Uses), Replica: true}
	claimsOn := func(gpu *topology.Model) topology.Bytes {
		f := fits[gpu]
		switch {
		case f.whole == 0 || int(f.whole) != count || !r.acceptsModel(gpu):
			return 0
		case terms.profile == "":
			return f.claims
		}
		_, profile, err := findProfile(gpu, terms.profile, b.catalogue)
		if err != nil {
			return 0 // checked before
		}
		return f.profiles[profile.ID]
	}
	if request.UsesMemory == 0 {
		for gpu := range fits {
			request.UsesMemory = max(request.UsesMemory, claimsOn(gpu))
		}
	}
	request.Request = b.replicaRequest(inv, count, 0, func(gpu *topology.Model) bool { return claimsOn(gpu) > 0 })
	return request
}

// fitOf is fitOn, computed once for each model, GPU model and number of GPUs.
func (b *inputBuilder) fitOf(m *Model, gpu *topology.Model, count int64) serverFit {
	key := fitKey{*m, gpu, count}
	f, known := b.fits[key]
	if !known {
		loaded, err := model.Known(m.Name)
		if err != nil {
			return serverFit{} // checked before
		}
		f = m.fitOn(loaded, gpu, count, b.catalogue)
		b.fits[key] = f
	}
	return f
}

type fitKey struct {
	model Model
	gpu   *topology.Model
	count int64
}
