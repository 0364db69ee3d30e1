package scenario

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// releaseHolders takes back everything that holders have, on all nodes.
//
// Example:
//
//	release train old
func (e *Environment) releaseHolders(args *commandArguments, _ []string) (string, error) {
	names := args.bareNames()
	if len(names) == 0 {
		return "", fmt.Errorf("want the names of holders")
	}
	var out strings.Builder
	for _, name := range names {
		found := false
		for node := range e.snapshot.Len() {
			for _, a := range e.snapshot.ReleaseHolder(node, placement.HolderID(name)) {
				found = true
				words := "no GPU"
				if len(a.Devices) > 0 {
					words = strings.Join(e.partWords(node, a.Devices), "; ")
				}
				fmt.Fprintf(&out, "%s gives back on %s: %s\n", name, e.snapshot.Node(node).Name, words)
			}
		}
		if !found {
			return "", fmt.Errorf("%s holds nothing", name)
		}
	}
	return out.String(), nil
}
