package deviceapi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// Every row of every machine survives being published.
func TestLinksRoundTrip(t *testing.T) {
	c := catalogue.Default()
	for _, name := range c.Machines() {
		machine, err := c.Machine(name)
		if err != nil {
			continue // a layout that needs a model; its links are those of others
		}
		for i, row := range machine.Node.Links {
			text, fits := EncodeLinks(row)
			if !fits {
				t.Errorf("%s, GPU %d: %q does not fit an attribute", name, i, text)
				continue
			}
			back, err := DecodeLinks(text, len(row))
			if err != nil {
				t.Errorf("%s, GPU %d: %v", name, i, err)
			}
			if diff := cmp.Diff(row, back); diff != "" {
				t.Errorf("%s, GPU %d (-want +got):\n%s", name, i, diff)
			}
		}
	}
}

func TestDecodeLinksRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"X NV18":       "2 entries for 4 GPUs",
		"X NV18*9":     "more than 4 entries",
		"X NV18*x":     `bad repeat "x"`,
		"X NV18*0":     `bad repeat "0"`,
		"X WARP*3":     `unknown link "WARP"`,
		"X NV999 SYS ": `link "NV999"`,
	} {
		if _, err := DecodeLinks(text, 4); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("DecodeLinks(%q): got %v, want %q in it", text, err, want)
		}
	}
	if _, err := DecodeLinks("X", topology.MaxGPUs+1); err == nil {
		t.Error("more GPUs than a node may have are accepted")
	}
}

func FuzzDecodeLinks(f *testing.F) {
	f.Add("X NV18*7", 8)
	f.Add("SYS*3 X", 4)
	f.Add("X", -1)
	f.Fuzz(func(t *testing.T, text string, gpus int) {
		row, err := DecodeLinks(text, gpus)
		if err == nil && len(row) != gpus {
			t.Fatalf("%d entries for %d GPUs", len(row), gpus)
		}
	})
}
