package plan

import (
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Offer is a kind of GPU or MIG slice, with what the catalogue knows of it.
type Offer struct {
	memory.GPUOffer
	// Hardware is the model of the GPU, or of the one that the slice is part of.
	Hardware *topology.Model
	// Priced says that Cost, in catalogue.MicroDollars per hour, is known.
	Priced bool
	// Fraction is the part of the GPU that nobody else can use beside it, 1 for all.
	Fraction float64
}

// Title is the offer's name: "T4", "A100-SXM4-80GB:2g.20gb".
func (o *Offer) Title() string {
	if o.Profile == "" {
		return o.Model
	}
	return o.Model + ":" + o.Profile
}

// usualNode is how many GPUs of a model one node has at most where the catalogue
// has no machine with them.
const usualNode = 8

// superchips are soldered to a CPU, so that a node has fewer of them. Sources: NVIDIA
// data sheets of GH200 NVL2 and of the GB300 NVL72 compute tray.
var superchips = map[string]int64{"GH200-96GB": 2, "GH200-144GB": 2, "GB300": 4}

// nodeSizes is how many GPUs the largest machine of the catalogue has, by model.
func nodeSizes(c *catalogue.Catalogue) map[string]int64 {
	sizes := map[string]int64{}
	for _, name := range c.Machines() {
		machine, err := c.Machine(name)
		if err != nil {
			continue // machines without a GPU model of their own
		}
		key := machine.Node.GPUs[0].Model.Name
		sizes[key] = max(sizes[key], int64(len(machine.Node.GPUs)))
	}
	for key, size := range superchips {
		sizes[key] = max(sizes[key], size)
	}
	return sizes
}

// ListOffers lists all GPUs of the catalogue and their MIG slices. GPUs without memory of
// their own are left out: what they hold is up to the host.
func ListOffers(c *catalogue.Catalogue) []Offer {
	sizes := nodeSizes(c)
	var offers []Offer
	for _, m := range c.Models() {
		if m.Memory == 0 {
			continue
		}
		price, priced := c.Price(m.Name)
		whole := Offer{Hardware: m, Priced: priced, Fraction: 1, GPUOffer: memory.GPUOffer{
			GPU: memory.WholeGPU(m), Model: m.Name, Most: sizes[m.Name], Cost: int64(price),
		}}
		if whole.Most == 0 {
			whole.Most = usualNode
		}
		offers = append(offers, whole)
		if m.MIG == "" {
			continue
		}
		table, err := c.MIG(m.MIG)
		if err != nil {
			continue // the catalogue checks that the table is there
		}
		for i := range table.Profiles {
			if slice, ok := sliceOffer(whole, table, &table.Profiles[i]); ok {
				offers = append(offers, slice)
			}
		}
	}
	return offers
}

// sliceOffer is a MIG slice of a GPU. Profiles that differ only in media engines
// are left out, and those whose memory no capture shows.
func sliceOffer(whole Offer, table *mig.Table, profile *mig.Profile) (Offer, bool) {
	if profile.Memory == 0 || strings.ContainsAny(profile.Name, "+-") {
		return Offer{}, false
	}
	slice := whole
	slice.Profile = profile.Name
	slice.GPU = memory.MIGSlice(whole.Hardware, profile.Name, profile.Memory)
	slice.Most = 1
	// Of the GPU's cost, the part that nobody else can use: by compute or by memory,
	// whichever is more.
	ofCompute := float64(profile.ComputeSlices) / float64(table.ComputeSlices)
	ofMemory := float64(profile.MemorySlices) / float64(table.MemorySlices)
	slice.Fraction = max(ofCompute, ofMemory)
	slice.setPrice(catalogue.MicroDollars(whole.Cost), whole.Priced)
	return slice, true
}

// setPrice sets the cost from that of the whole GPU.
func (o *Offer) setPrice(whole catalogue.MicroDollars, known bool) {
	o.Cost, o.Priced = int64(float64(whole)*o.Fraction), known
}
