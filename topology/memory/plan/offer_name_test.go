package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

func titlesOf(offers []Offer) []string {
	var titles []string
	for i := range offers {
		titles = append(titles, offers[i].Title())
	}
	return titles
}

func TestFindOffers(t *testing.T) {
	c := catalogue.Default()
	offers := ListOffers(c)
	for name, tc := range map[string]struct {
		gpu     string
		want    []string
		wantErr string
	}{
		"key":                   {gpu: "L4", want: []string{"L4"}},
		"key in other letters":  {gpu: "l4", want: []string{"L4"}},
		"product":               {gpu: "NVIDIA A100-SXM4-80GB", want: []string{"A100-SXM4-80GB"}},
		"words that one has":    {gpu: "a100 sxm 80gb", want: []string{"A100-SXM4-80GB"}},
		"word with its number":  {gpu: "H100 SXM", want: []string{"H100-SXM5-80GB"}},
		"profile":               {gpu: "A30:2G.12gb", want: []string{"A30-24GB:2g.12gb"}},
		"words that many have":  {gpu: "H100", wantErr: `"H100" may be any of H100-NVL-94GB, H100-PCIe-80GB, H100-SXM5-80GB: name one`},
		"none":                  {gpu: "H1000", wantErr: `unknown GPU model "H1000"`},
		"profile of another":    {gpu: "A30-24GB:3g.20gb", wantErr: `A30-24GB has no MIG profile "3g.20gb": it has 1g.6gb, 2g.12gb`},
		"profile without MIG":   {gpu: "L4:1g.5gb", wantErr: "L4 has no MIG, or no capture shows its profiles"},
		"empty":                 {gpu: "", wantErr: "unknown GPU model"},
		"profile of no product": {gpu: ":1g.5gb", wantErr: "unknown GPU model"},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := FindOffers(c, offers, tc.gpu)
			if (err != nil) != (tc.wantErr != "") || err != nil && !strings.Contains(err.Error(), tc.wantErr) {
				t.Fatalf("error %v, want %q", err, tc.wantErr)
			}
			if diff := cmp.Diff(tc.want, titlesOf(found)); diff != "" {
				t.Errorf("offers (-want +got):\n%s", diff)
			}
		})
	}
}

// Every offer is found by its own name, and by its product.
func TestOffersAreFoundByTheirTitles(t *testing.T) {
	c := catalogue.Default()
	offers := ListOffers(c)
	for i := range offers {
		found, err := FindOffers(c, offers, offers[i].Title())
		if err != nil || !slices.Contains(titlesOf(found), offers[i].Title()) {
			t.Errorf("%s: found %v, %v", offers[i].Title(), titlesOf(found), err)
		}
	}
}

// A GPU's price holds for its slices in proportion, and for no other GPU.
func TestSetPrice(t *testing.T) {
	c := catalogue.Default()
	offers, before := ListOffers(c), ListOffers(c)
	if err := SetPrice(c, offers, "A100 SXM 80GB", 7*catalogue.Dollar); err != nil {
		t.Fatal(err)
	}
	for i := range offers {
		want := before[i]
		if want.Model == "A100-SXM4-80GB" {
			want.Cost, want.Priced = int64(7*float64(catalogue.Dollar)*want.Fraction), true
		}
		if offers[i].Cost != want.Cost || offers[i].Priced != want.Priced {
			t.Errorf("%s costs %d, %v; want %d, %v", want.Title(), offers[i].Cost, offers[i].Priced, want.Cost, want.Priced)
		}
	}
	for gpu, want := range map[string]string{"A100": `"A100" may be any of`, "L5": `unknown GPU model "L5"`} {
		if err := SetPrice(c, offers, gpu, catalogue.Dollar); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", gpu, err, want)
		}
	}
}

// Slices are parts of their GPU, in memory and in cost.
func TestSlicesAreParts(t *testing.T) {
	var whole Offer
	for _, offer := range ListOffers(catalogue.Default()) {
		if offer.Profile == "" {
			whole = offer
			if offer.Fraction != 1 || offer.Most < 1 {
				t.Errorf("%s is %v of a GPU, %d to a node", offer.Title(), offer.Fraction, offer.Most)
			}
			continue
		}
		if offer.Model != whole.Model || offer.Fraction <= 0 || offer.Fraction > 1 || offer.Cost > whole.Cost || offer.Most != 1 ||
			offer.GPU.Total > whole.Hardware.Memory || strings.ContainsAny(offer.Profile, "+-") {
			t.Errorf("%s: %v of %s, %s of memory, %d to a node", offer.Title(), offer.Fraction, whole.Title(), offer.GPU.Total, offer.Most)
		}
	}
}
