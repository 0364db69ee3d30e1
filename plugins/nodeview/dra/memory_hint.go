package dra

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// memoryOnOffer is the amount of memory to ask for where somebody asks for as much as is
// printed on the box, of which a GPU has a little less, and says so: "79Gi", "; a GPU of
// 80GB such as NVIDIA H100 80GB HBM3 has 79.14GiB". Any other amount is returned as it is.
func memoryOnOffer(amount string) (advised, hint string) {
	asked, err := resource.ParseQuantity(amount)
	if err != nil {
		return amount, ""
	}
	if sold := soldAs(topology.Bytes(asked.Value())); sold != nil {
		return fmt.Sprintf("%dGi", sold.Usable()/topology.GiB), fmt.Sprintf("; a GPU of %dGB such as %s has %s",
			asked.Value()/int64(topology.GiB), sold.Product, sold.Usable())
	}
	return amount, ""
}

// soldAs is the GPU with the least memory of those that are sold with as many GB as the
// amount has GiB, nil if there is none.
func soldAs(asked topology.Bytes) *topology.Model {
	if asked <= 0 || asked%topology.GiB != 0 {
		return nil
	}
	label := fmt.Sprintf("%dGB", asked/topology.GiB)
	unlabelled := func(model *topology.Model) int {
		if strings.Contains(model.Product, label) {
			return 0
		}
		return 1
	}
	var found []*topology.Model
	for _, model := range catalogue.Default().Models() {
		if strings.HasSuffix(model.Name, "-"+label) && model.Usable() < asked && model.Usable() > asked*9/10 {
			found = append(found, model)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return slices.MinFunc(found, func(a, b *topology.Model) int {
		return cmp.Or(cmp.Compare(a.Usable(), b.Usable()), cmp.Compare(unlabelled(a), unlabelled(b)), cmp.Compare(a.Name, b.Name))
	})
}

// askedMemory finds the amount that a clause compares memory with.
var askedMemory = regexp.MustCompile(`\.memory\.(?:compareTo|isGreaterThan)\(quantity\("([^"]+)"\)\)`)

// clauseHint is a word on a clause that asks for the memory on the box.
func clauseHint(clause string) string {
	match := askedMemory.FindStringSubmatch(clause)
	if match == nil {
		return ""
	}
	advised, hint := memoryOnOffer(match[1])
	if hint == "" {
		return ""
	}
	return fmt.Sprintf("%s: ask for %s", hint, advised)
}
