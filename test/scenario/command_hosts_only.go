package scenario

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// placeHosts places pods that take no GPU, all of them or none. With as= one holder has
// what they take.
//
// Example:
//
//	hostsonly pods=3 cpu=4 memory=8GiB as=web
func (e *Environment) placeHosts(args *commandArguments, lines []string) (string, error) {
	if len(lines) > 0 {
		return "", fmt.Errorf("takes no lines below it: such pods ask for no GPU")
	}
	host, pods := args.hostResources(), int(args.numberOf("pods", 1, 1))
	h, err := parseHolder(args)
	if err != nil {
		return "", err
	}
	nodes := e.snapshot.PlaceHostsOnly(host, pods)
	if nodes == nil {
		return "refused: no pod is placed", nil
	}
	if h.id != "" {
		for _, node := range nodes {
			if err := e.snapshot.Allocate(node, placement.Allocation{Holder: h.id, Priority: h.priority, Pinned: h.pinned, Host: host}); err != nil {
				return "", err
			}
		}
	}
	return "nodes: " + e.nodeNames(slices.Clone(nodes)), nil
}
