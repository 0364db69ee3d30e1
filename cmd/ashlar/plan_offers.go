package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// planOffer is a kind of GPU or MIG slice, with what the catalogue knows of it.
type planOffer struct {
	memory.GPUOffer
	model *topology.Model
	// priced says that Cost, in catalogue.MicroDollars per hour, is known.
	priced bool
	// part is the part of the GPU that it is.
	part float64
}

// name is how --gpu takes the offer: "T4", "A100-SXM4-80GB:2g.20gb".
func (o *planOffer) name() string {
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

// offersOf lists all GPUs of the catalogue and their MIG slices.
func offersOf(c *catalogue.Catalogue) []planOffer {
	sizes := nodeSizes(c)
	var offers []planOffer
	for _, m := range c.Models() {
		if m.Memory == 0 {
			continue // its memory is the host's, which nobody accounts for here
		}
		price, priced := c.Price(m.Name)
		whole := planOffer{model: m, priced: priced, part: 1, GPUOffer: memory.GPUOffer{
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
func sliceOffer(whole planOffer, table *mig.Table, profile *mig.Profile) (planOffer, bool) {
	if profile.Memory == 0 || strings.ContainsAny(profile.Name, "+-") {
		return planOffer{}, false
	}
	slice := whole
	slice.Profile = profile.Name
	slice.GPU = memory.MIGSlice(whole.model, profile.Name, profile.Memory)
	slice.Most = 1
	// Of the GPU's cost, the part that nobody else can use: by compute or by memory,
	// whichever is more.
	slice.part = max(float64(profile.ComputeSlices)/float64(table.ComputeSlices), float64(profile.MemorySlices)/float64(table.MemorySlices))
	slice.price(catalogue.MicroDollars(whole.Cost), whole.priced)
	return slice, true
}

// price sets the cost from that of the whole GPU.
func (o *planOffer) price(whole catalogue.MicroDollars, known bool) {
	o.Cost, o.priced = int64(float64(whole)*o.part), known
}

// maxPrice bounds what one GPU-hour may be said to cost, in dollars.
const maxPrice = 10_000

// setPrice applies one --price.
func setPrice(c *catalogue.Catalogue, offers []planOffer, text string) error {
	gpu, amount, found := strings.Cut(text, "=")
	price, err := strconv.ParseFloat(strings.TrimPrefix(amount, "$"), 64)
	if !found || err != nil || !(price >= 0 && price <= maxPrice) {
		return usagef("--price %q: want a GPU and dollars per hour, like L4=0.70", text)
	}
	if gpu, err = soleName(offers, gpu); err != nil {
		return usagef("--price: %w", err)
	}
	matched := false
	for i := range offers {
		if isNamed(offers[i].model, gpu) {
			matched = true
			offers[i].price(catalogue.MicroDollars(price*float64(catalogue.Dollar)), true)
		}
	}
	if matched {
		return nil
	}
	if _, err := c.Model(gpu); err != nil {
		return usagef("--price: %w", err)
	}
	return nil
}

// offersNamed finds what --gpu names: a key or product, whatever the case, or words of
// them that no other GPU has; and after a colon a MIG profile.
func offersNamed(c *catalogue.Catalogue, offers []planOffer, name string) ([]planOffer, error) {
	gpu, profile, sliced := strings.Cut(name, ":")
	gpu, err := soleName(offers, gpu)
	if err != nil {
		return nil, err
	}
	var found []planOffer
	var profiles []string
	for _, offer := range offers {
		if !isNamed(offer.model, gpu) {
			continue
		}
		if offer.Profile != "" {
			profiles = append(profiles, offer.Profile)
		}
		if !sliced && offer.Profile == "" || sliced && strings.EqualFold(offer.Profile, profile) {
			found = append(found, offer)
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case len(profiles) > 0:
		return nil, fmt.Errorf("%s has no MIG profile %q: it has %s", gpu, profile, strings.Join(profiles, ", "))
	case sliced && slices.ContainsFunc(offers, func(o planOffer) bool { return isNamed(o.model, gpu) }):
		return nil, fmt.Errorf("%s has no MIG, or no capture shows its profiles", gpu)
	}
	m, err := c.Model(gpu)
	if err != nil {
		return nil, err // it says which names come near
	}
	return nil, fmt.Errorf("%s has no memory of its own, so that what it holds is up to the host", m.Name)
}

// soleName is the key of the GPU that a short name like "A30" stands for: the only one
// that has its words. What is no short name stays as it is.
func soleName(offers []planOffer, name string) (string, error) {
	var keys []string
	for _, offer := range offers {
		switch m := offer.model; {
		case isNamed(m, name):
			return name, nil
		case offer.Profile == "" && hasWords(m.Name+" "+m.Product, name):
			keys = append(keys, m.Name)
		}
	}
	switch len(keys) {
	case 0:
		return name, nil
	case 1:
		return keys[0], nil
	}
	return "", fmt.Errorf("%q may be any of %s: name one", name, strings.Join(keys, ", "))
}

// hasWords reports whether a text has all words of a name: L4 is no word of L40S, but
// SXM is one of SXM5.
func hasWords(text, name string) bool {
	split := func(text string) []string {
		return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" -_/", r) })
	}
	parts, words := split(text), split(name)
	for _, word := range words {
		if !slices.ContainsFunc(parts, func(part string) bool {
			rest, found := strings.CutPrefix(part, word)
			return found && (rest == "" || len(word) > 2 && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == "" && strings.Trim(rest, "0123456789") == "")
		}) {
			return false
		}
	}
	return len(words) > 0
}

func isNamed(m *topology.Model, name string) bool {
	for _, known := range []string{m.Name, m.Product, strings.TrimPrefix(m.Product, "NVIDIA "), strings.TrimPrefix(m.Product, "Tesla ")} {
		if strings.EqualFold(known, name) {
			return true
		}
	}
	return false
}
