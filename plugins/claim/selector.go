package claim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// selectorExpression selects devices in CEL. Profiles of the same GPUs are one term: an
// expression has at most 10 KiB.
func selectorExpression(all []profileProducts) string {
	type term struct{ profiles, products []string }
	var terms []term
	for _, p := range all {
		i := slices.IndexFunc(terms, func(t term) bool { return slices.Equal(t.products, p.products) })
		if i < 0 {
			i = len(terms)
			terms = append(terms, term{products: p.products})
		}
		terms[i].profiles = append(terms[i].profiles, p.profile)
	}
	var words []string
	for _, t := range terms {
		text := attributeAmong(deviceapi.ProductName, t.products)
		if t.profiles[0] != "" {
			text = attributeAmong(deviceapi.Profile, t.profiles) + " && " + text
		}
		words = append(words, text)
	}
	return strings.Join(words, " || ")
}

// attributeAmong says in CEL that an attribute is one of some texts.
func attributeAmong(attribute string, values []string) string {
	name := fmt.Sprintf("device.attributes[%q].%s", deviceapi.Driver, attribute)
	if len(values) == 1 {
		return fmt.Sprintf("%s == %q", name, values[0])
	}
	quoted := make([]string, 0, len(values))
	for _, value := range values {
		quoted = append(quoted, strconv.Quote(value))
	}
	return name + " in [" + strings.Join(quoted, ", ") + "]"
}
