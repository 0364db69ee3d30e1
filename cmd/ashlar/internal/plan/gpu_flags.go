package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/machines"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// gpuFlags say which GPUs are looked at, and what they cost.
type gpuFlags struct {
	machines.CatalogueFlags
	names  []string
	prices []string
}

func (f *gpuFlags) addTo(command *cobra.Command) {
	set := command.Flags()
	set.StringArrayVar(&f.names, "gpu", nil, "only this `GPU`, line by line: a product name, a key of the catalogue, "+
		"words that only it has, or a slice like A100-SXM4-80GB:2g.20gb; repeat for more")
	set.StringArrayVar(&f.prices, "price", nil,
		"what an hour of a GPU costs you, `GPU=DOLLARS`, instead of the list price; repeat for more")
	f.AddTo(command) // the catalogue's flags
	cli.CompleteFlag(command, "gpu", f.completeNames)
}

// namedOffers reports whether GPUs are named one by one.
func (f *gpuFlags) namedOffers() bool { return len(f.names) > 0 }

// completeNames completes --gpu.
func (f *gpuFlags) completeNames() []string {
	c, err := f.LoadCatalogue()
	if err != nil {
		return nil
	}
	var names []string
	for _, offer := range memoryplan.ListOffers(c) {
		names = append(names, offer.Title())
	}
	return names
}

// findOffers are the GPUs and slices of the catalogue, or those of --gpu; with anyPart,
// also all slices of the GPUs that are named whole.
func (f *gpuFlags) findOffers(anyPart bool) ([]memoryplan.Offer, error) {
	c, err := f.LoadCatalogue()
	if err != nil {
		return nil, err
	}
	all := memoryplan.ListOffers(c)
	for _, price := range f.prices {
		if err := applyPrice(c, all, price); err != nil {
			return nil, err
		}
	}
	if !f.namedOffers() {
		return all, nil
	}
	var chosen []memoryplan.Offer
	for _, name := range f.names {
		offers, err := memoryplan.FindOffers(c, all, name)
		if err != nil {
			return nil, cli.UsageErrorf("--gpu: %w", err)
		}
		if whole := offers[0]; anyPart && whole.Profile == "" {
			offers = slices.DeleteFunc(slices.Clone(all), func(o memoryplan.Offer) bool { return o.Model != whole.Model })
		}
		for _, offer := range offers {
			if !slices.ContainsFunc(chosen, func(o memoryplan.Offer) bool { return o.Title() == offer.Title() }) {
				chosen = append(chosen, offer)
			}
		}
	}
	return chosen, nil
}

// maxPrice bounds what one GPU-hour may be said to cost, in dollars.
const maxPrice = 10_000

// applyPrice applies one --price.
func applyPrice(c *catalogue.Catalogue, offers []memoryplan.Offer, text string) error {
	gpu, amount, found := strings.Cut(text, "=")
	price, err := strconv.ParseFloat(strings.TrimPrefix(amount, "$"), 64)
	if !found || err != nil || !(price >= 0 && price <= maxPrice) {
		return cli.UsageErrorf("--price %q: want a GPU and dollars per hour, like L4=0.70", text)
	}
	if err := memoryplan.SetPrice(c, offers, gpu, catalogue.MicroDollars(price*float64(catalogue.Dollar))); err != nil {
		return cli.UsageErrorf("--price: %w", err)
	}
	return nil
}
