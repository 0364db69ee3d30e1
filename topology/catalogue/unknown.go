package catalogue

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/nearest"
)

// unknownName is the error for a name that is not in the catalogue. It suggests the
// nearest names and says how to list them all.
func unknownName(what, name string, names []string) error {
	all := fmt.Sprintf("all %d are shown by ashlar topology list", len(names))
	near := nearest.Names(name, names)
	if len(near) == 0 {
		return fmt.Errorf("unknown %s %q: %s", what, name, all)
	}
	return fmt.Errorf("unknown %s %q: the nearest is %s; %s", what, name, strings.Join(near, ", "), all)
}
