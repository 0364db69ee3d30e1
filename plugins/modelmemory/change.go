package modelmemory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
	"github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// FindChanges are changes of the server's own settings, or of its model to a copy in fewer bits,
// with which it certainly starts on offers on which it does not as it is: by the rules of
// plan.Request.RemediesOn, as ashlar plan names them. Where the engine's release is open they
// hold for all that it may be. Those that leave requests as they are come first, then by kind,
// then the least memory; of each kind one is given. Offers on which the server starts, and shares
// of GPUs, have none.
func (s *Server) FindChanges(offers []Offer) []Remedy {
	if len(s.launches) == 0 {
		return nil
	}
	offers = slices.Clone(offers)
	slices.SortStableFunc(offers, func(a, b Offer) int { return cmp.Compare(a.Node, b.Node) })
	seen := map[string]bool{}
	var all []rankedRemedy
	for _, offer := range offers {
		key := offer.kindKey()
		if seen[key] || offer.Device.Share > 0 || s.Degree() > offer.Most || s.Refuses(offer.Device) == "" {
			continue
		}
		seen[key] = true
		for _, change := range s.changesOn(&offer) {
			if change.Option.GPUs <= offer.Most {
				all = append(all, rankedRemedy{newChange(offer, &change, &s.launches[0]), change.RankRemedy(), change.MaxModelLen > 0})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b rankedRemedy) int {
		return cmp.Or(compareBools(a.shortens, b.shortens), cmp.Compare(a.rank, b.rank), cmp.Compare(a.memory(), b.memory()))
	})
	var remedies []Remedy
	named := map[string]bool{}
	for i := range all {
		if key := fmt.Sprint(all[i].Kind, all[i].Model); !named[key] {
			named[key] = true
			remedies = append(remedies, all[i].Remedy)
		}
	}
	return remedies
}

// rankedRemedy is a remedy with what it is ordered by.
type rankedRemedy struct {
	Remedy
	rank     int
	shortens bool
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// kindKey is what offers have in common that differ by node alone.
func (o *Offer) kindKey() string {
	return fmt.Sprintf("%v %s %d %s", o.Device, o.Profile, o.Most, o.Request)
}

// changesOn are the remedies on one offer that hold for every release that the engine may have, in
// the order of plan, but for those that take more GPUs in tensor parallel or more copies of the
// server: FindRemedies names the former, and the latter are other pods. They are worked out once
// for each kind of offer.
func (s *Server) changesOn(offer *Offer) []plan.FitRemedy {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if known, found := s.changes[offer.kindKey()]; found {
		return known
	}
	gpu := offer.Device.GPU
	asked := plan.Offer{GPUOffer: memory.GPUOffer{GPU: gpu, Model: gpu.Name, Profile: offer.Profile, Most: offer.Most}}
	config, _ := model.Config(s.name)
	var common []plan.FitRemedy
	for i, l := range s.launches {
		l.TensorParallel = max(1, l.TensorParallel)
		request := plan.Request{Model: s.model, Config: config, Launch: l, Demand: s.demand}
		found := request.RemediesOn(&asked)
		if i == 0 {
			common = slices.DeleteFunc(found, func(r plan.FitRemedy) bool {
				return r.Kind == plan.TensorParallelRemedy || r.Kind == plan.DataParallelRemedy
			})
			continue
		}
		common = commonChanges(common, found)
	}
	if s.changes == nil {
		s.changes = map[string][]plan.FitRemedy{}
	}
	s.changes[offer.kindKey()] = common
	return common
}

// commonChanges are the remedies of both lists, in the order of the first: of those that differ in
// a length or an amount alone, the one that changes more.
func commonChanges(first, second []plan.FitRemedy) []plan.FitRemedy {
	var common []plan.FitRemedy
	for _, r := range first {
		at := slices.IndexFunc(second, func(other plan.FitRemedy) bool { return changesAlike(&r, &other) })
		if at < 0 {
			continue
		}
		if other := second[at]; other.MaxModelLen > 0 && (r.MaxModelLen == 0 || other.MaxModelLen < r.MaxModelLen) ||
			other.Launch.CPUOffload > r.Launch.CPUOffload {
			r = other
		}
		common = append(common, r)
	}
	return common
}

// changesAlike reports whether two remedies state the same, but for lengths and amounts.
func changesAlike(a, b *plan.FitRemedy) bool {
	x, y := a.Launch, b.Launch
	for _, l := range []*memory.Launch{&x, &y} {
		l.Version, l.MaxModelLen, l.CPUOffload = memory.Version{}, 0, 0
	}
	sameModel := (a.Copy == nil) == (b.Copy == nil) && (a.Copy == nil || a.Copy.Name == b.Copy.Name)
	return a.Kind == b.Kind && sameModel && fmt.Sprint(x) == fmt.Sprint(y) && a.Requests == b.Requests
}

// newChange is a remedy as a pod states it.
func newChange(offer Offer, r *plan.FitRemedy, from *memory.Launch) Remedy {
	remedy := Remedy{Offer: offer, Kind: r.Kind, Count: r.Option.GPUs, Cost: r.Cost}
	var words []string
	if r.Copy != nil {
		remedy.Model = r.Copy.Name
		words = append(words, "model "+r.Copy.Name)
	}
	for _, change := range r.ListChanges(from) {
		name, known := launch.ArgumentName(r.Launch.Engine, change.Field)
		flag := strings.TrimSuffix(name+"="+change.Value, "=")
		switch {
		case !known:
		case change.Dropped:
			words = append(words, "without "+flag)
		default:
			remedy.Flags = append(remedy.Flags, flag)
			words = append(words, flag)
		}
	}
	if r.Requests > 0 {
		words = append(words, fmt.Sprintf("at most %d requests at once", r.Requests))
	}
	remedy.change = strings.Join(words, " ")
	return remedy
}
