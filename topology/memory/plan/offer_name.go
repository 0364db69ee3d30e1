package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// SetPrice replaces what an hour of a GPU costs, and of its slices in proportion. gpu is
// a name as FindOffers takes it, without a profile.
func SetPrice(c *catalogue.Catalogue, offers []Offer, gpu string, price catalogue.MicroDollars) error {
	gpu, err := soleModel(offers, gpu)
	if err != nil {
		return err
	}
	matched := false
	for i := range offers {
		if isCalled(offers[i].Hardware, gpu) {
			matched = true
			offers[i].setPrice(price, true)
		}
	}
	if matched {
		return nil
	}
	_, err = c.Model(gpu) // it says which names come near
	return err
}

// FindOffers finds what a name means: a key or product, whatever the case, or words of
// them that no other GPU has; and after a colon a MIG profile.
func FindOffers(c *catalogue.Catalogue, offers []Offer, name string) ([]Offer, error) {
	gpu, profile, sliced := strings.Cut(name, ":")
	gpu, err := soleModel(offers, gpu)
	if err != nil {
		return nil, err
	}
	var found []Offer
	var profiles []string
	for _, offer := range offers {
		if !isCalled(offer.Hardware, gpu) {
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
	case sliced && slices.ContainsFunc(offers, func(o Offer) bool { return isCalled(o.Hardware, gpu) }):
		return nil, fmt.Errorf("%s has no MIG, or no capture shows its profiles", gpu)
	}
	m, err := c.Model(gpu)
	if err != nil {
		return nil, err // it says which names come near
	}
	return nil, fmt.Errorf("%s has no memory of its own, so that what it holds is up to the host", m.Name)
}

// soleModel is the key of the GPU that a short name like "A30" stands for: the only one
// that has its words. What is no short name stays as it is.
func soleModel(offers []Offer, name string) (string, error) {
	var keys []string
	for _, offer := range offers {
		switch m := offer.Hardware; {
		case isCalled(m, name):
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
		letters := len(word) > 2 && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == ""
		if !slices.ContainsFunc(parts, func(part string) bool {
			rest, found := strings.CutPrefix(part, word)
			return found && (rest == "" || letters && strings.Trim(rest, "0123456789") == "")
		}) {
			return false
		}
	}
	return len(words) > 0
}

// isCalled reports whether a name is the model's key or product.
func isCalled(m *topology.Model, name string) bool {
	for _, known := range []string{m.Name, m.Product, strings.TrimPrefix(m.Product, "NVIDIA "), strings.TrimPrefix(m.Product, "Tesla ")} {
		if strings.EqualFold(known, name) {
			return true
		}
	}
	return false
}
