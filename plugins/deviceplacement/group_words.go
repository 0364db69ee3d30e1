package deviceplacement

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
	"github.com/ashlar-dev/ashlar/topology/cluster"
)

// sparedWords is a pod's status when its group starts without it.
func sparedWords(group *groupcycle.Group) string {
	return fmt.Sprintf("PodGroup %s starts with %d of its pods, and not with this one: it is tried again once they have their nodes",
		group.Key.Name, group.MinMember)
}

// missingWords says why fewer pods can be placed than are needed.
func (s *groupSolve) missingWords() string {
	switch unmade := len(s.unmade); unmade {
	case 0:
		return fmt.Sprintf("it has %d of the %d pods that are still to be placed: the others are being deleted",
			len(s.group.Pending), s.group.Needed())
	case 1:
		return fmt.Sprintf("it waits for the ResourceClaims of pod %s, which are not made yet", s.unmade[0].Name)
	default:
		return fmt.Sprintf("it waits for the ResourceClaims of pod %s and %d more, which are not made yet", s.unmade[0].Name, unmade-1)
	}
}

// shortfallWords says what a group lacks, and what would help.
func (s *groupSolve) shortfallWords(shortfall *cluster.GroupShortfall) string {
	switch limit := shortfall.LimitedBy; limit {
	case "":
	case "model":
		return fmt.Sprintf("all have one with GPUs of several products, which annotation %s: product rules out", groupcycle.SameAnnotation)
	default:
		return fmt.Sprintf("all have one, but not in one %s, as annotation %s asks; with %s as few of them are taken as will do",
			limit, groupcycle.RequiredTopologyAnnotation, groupcycle.PreferredTopologyAnnotation)
	}
	var short []string
	together := false
	for _, shape := range shortfall.Shapes {
		pod := s.pods[shape.Member].Name
		switch {
		case shape.Alone == shape.Members:
			together = true
		case shape.Members == len(s.pods):
			short = append(short, fmt.Sprintf("free devices and hosts have room for %d of %d", shape.Alone, shape.Members))
		case shape.Members == 1:
			short = append(short, fmt.Sprintf("no node has room for %s", pod))
		default:
			short = append(short, fmt.Sprintf("of the %d that ask as %s does %d find room", shape.Members, pod, shape.Alone))
		}
	}
	if together {
		return "each would find room alone, not all together: they wait for devices to be released"
	}
	return strings.Join(short, ", ") + ": they wait for devices to be released"
}
