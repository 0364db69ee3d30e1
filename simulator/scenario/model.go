package scenario

import (
	"errors"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
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

func (m *Model) check(path string) error {
	bounds := errors.Join(within(path+".maxModelLen", m.MaxModelLen, 0, 1<<24), within(path+".concurrency", m.Concurrency, 0, 1<<16))
	known, err := model.Known(m.Name)
	if err != nil {
		return errors.Join(bounds, wrong(path+".name", "%v", err))
	}
	if bounds != nil {
		return bounds
	}
	if _, err := memory.NewServer(known, m.launch()); err != nil {
		return wrong(path, "%v", err)
	}
	return nil
}

func (m *Model) title() string { return m.Name }

func (m *Model) launch() memory.Launch {
	engine := memory.Engine(m.Engine)
	if engine == "" {
		engine = memory.VLLM
	}
	return memory.Launch{Engine: engine, MaxModelLen: m.MaxModelLen}
}

func (m *Model) demand() memory.Demand {
	return memory.Demand{Context: m.MaxModelLen, Requests: m.Concurrency}
}

// fit is how a model server runs on one GPU model.
type fit struct {
	// whole is on how many GPUs it runs, 0 if it does not.
	whole int64
	// share is the memory to ask for of a shared GPU, 0 if it cannot share.
	share topology.Bytes
	// claims is what it takes of a GPU that it believes to be its own.
	claims topology.Bytes
	// profiles are the MIG profiles that hold it.
	profiles map[mig.ProfileID]bool
}

// on works out how the server runs on a GPU model of which a node has count.
func (m *Model) on(known *model.Model, gpu *topology.Model, count int64, c *catalogue.Catalogue) fit {
	f := fit{profiles: map[mig.ProfileID]bool{}}
	if gpu.Memory == 0 {
		return f
	}
	whole := memory.GPUOffer{GPU: memory.WholeGPU(gpu), Model: gpu.Name, Most: count}
	option := memory.FindOptions(known, m.launch(), []memory.GPUOffer{whole}, m.demand())[0]
	if !option.Holds() {
		return f
	}
	f.whole, f.claims = option.GPUs, option.Estimate.Claims()
	if f.whole > 1 {
		return f
	}
	f.share = m.share(known, whole.GPU)
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
		if option := memory.FindOptions(known, m.launch(), []memory.GPUOffer{slice}, m.demand())[0]; option.Holds() {
			f.profiles[profile.ID] = true
		}
	}
	return f
}

// share is the least memory of a GPU with which the server holds its demand if it is
// told to keep to that, in whole GiB; 0 if it is nearly all of the GPU. `ashlar plan`
// finds the same.
func (m *Model) share(known *model.Model, gpu memory.GPU) topology.Bytes {
	launch := m.launch()
	launch.TensorParallel = 1
	if launch.Engine != memory.VLLM && launch.Engine != memory.TGI && launch.Engine != memory.Plain {
		return 0 // reckons with what is free when it starts
	}
	const most = 90
	for hundredths := 1; hundredths <= most; hundredths++ {
		launch.Utilisation = float64(hundredths) / 100
		server, err := memory.NewServer(known, launch)
		if err != nil {
			return 0
		}
		e := server.On(gpu, m.demand())
		if !e.Holds() || !e.IsCertain() || e.KV-e.Margin < e.Wanted {
			continue
		}
		held := e.Claims()
		if launch.Engine == memory.Plain {
			held = e.Need().Wanted
		}
		if !e.GraphsInBudget {
			held += e.Graphs
		}
		held = (held + topology.GiB - 1) / topology.GiB * topology.GiB
		if held > gpu.Total*most/100 {
			return 0
		}
		return held
	}
	return 0
}

// terms are what the server asks of nodes of one make.
func (r *Request) modelTerms(b *builder, inv *placement.Inventory) simulator.Terms {
	fits := map[*topology.Model]fit{}
	counts := map[*topology.Model]int64{}
	for _, gpu := range inv.Node.GPUs {
		counts[gpu.Model]++
	}
	for gpu, count := range counts {
		fits[gpu] = b.fitOf(r.Model, gpu, count)
	}
	part := placement.Part{Name: "gpu", Count: 1}
	var claims topology.Bytes
	degree := int64(0)
	for _, f := range fits {
		if f.whole > 0 && (degree == 0 || f.whole < degree) {
			degree = f.whole
		}
	}
	for _, f := range fits {
		if f.whole == degree {
			part.Bytes, claims = max(part.Bytes, f.share), max(claims, f.claims)
		}
	}
	part.Count = int(max(1, degree))
	acceptable := r.accepts(inv, placement.Whole, 0)
	shares, instances := r.accepts(inv, placement.Share, 0), r.accepts(inv, placement.MIG, 0)
	replicas := b.sharing.replicas()
	part.Accepts = placement.NewDeviceSet(len(inv.Devices))
	for i := range inv.Devices {
		offer := &inv.Devices[i]
		f := fits[inv.Node.GPUs[offer.GPU].Model]
		if f.whole == 0 || f.whole != degree {
			continue
		}
		if replicas > 0 {
			if shares.Has(i) {
				part.Accepts.Add(i)
			}
			continue
		}
		if acceptable.Has(i) ||
			b.sharing == ByAsk && degree == 1 && (shares.Has(i) && f.share > 0 || instances.Has(i) && f.profiles[offer.Profile]) {
			part.Accepts.Add(i)
		}
	}
	terms := simulator.Terms{Uses: topology.Bytes(r.Uses)}
	if replicas > 0 {
		terms.Unisolated = true
		if terms.Uses == 0 {
			terms.Uses = claims
		}
		terms.Request = simulator.TimeSliced(part.Count, replicas, part.Accepts)
		return terms
	}
	terms.Request = &placement.Request{Parts: []placement.Part{part}}
	return terms
}

// fitOf remembers what is worked out.
func (b *builder) fitOf(m *Model, gpu *topology.Model, count int64) fit {
	key := fitKey{*m, gpu, count}
	f, known := b.fits[key]
	if !known {
		loaded, err := model.Known(m.Name)
		if err != nil {
			return fit{} // checked before
		}
		f = m.on(loaded, gpu, count, b.catalogue)
		b.fits[key] = f
	}
	return f
}

type fitKey struct {
	model Model
	gpu   *topology.Model
	count int64
}
