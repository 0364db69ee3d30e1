package groupcycle

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// The annotations of a PodGroup, or of its pods, that say what members must share.
const (
	// SameAnnotation is "product" if the GPUs of all members must be of one product, "none" if
	// they need not be. Without it one product is preferred where members ask alike.
	SameAnnotation = "ashlar.dev/same"
	// RequiredTopologyAnnotation lists levels of which all members must be in one domain:
	// "clique" (an NVLink domain of several nodes), "rack", "zone", or the key of a node
	// label, separated by commas.
	RequiredTopologyAnnotation = "ashlar.dev/required-topology"
	// PreferredTopologyAnnotation lists levels of which members had better be in one domain, or
	// in as few as possible.
	PreferredTopologyAnnotation = "ashlar.dev/preferred-topology"
)

// The levels that have names.
const (
	Clique = "clique"
	Rack   = "rack"
	Zone   = "zone"
)

// The node labels of the levels that have names. A node's GPUs may tell their NVLink domain
// themselves.
const (
	CliqueLabel = "nvidia.com/gpu.clique"
	RackLabel   = "topology.kubernetes.io/rack"
	ZoneLabel   = v1.LabelTopologyZone
)

// SameProduct says whether members must have GPUs of one product.
type SameProduct uint8

// The choices of SameAnnotation.
const (
	ProductByDefault SameProduct = iota
	ProductRequired
	ProductIndifferent
)

// Constraints are what the members of a group share.
type Constraints struct {
	Product SameProduct
	// Levels are in the order in which they nest: zones, racks, labels, cliques.
	Levels []Level
}

// Level is a level of which members share a domain.
type Level struct {
	// Name is as the annotation has it.
	Name     string
	Required bool
}

// Label is the node label that tells the domain.
func (l *Level) Label() string {
	switch l.Name {
	case Clique:
		return CliqueLabel
	case Rack:
		return RackLabel
	case Zone:
		return ZoneLabel
	}
	return l.Name
}

// widthOf orders levels, the widest first.
func widthOf(name string) int {
	if at := slices.Index([]string{Zone, Rack}, name); at >= 0 {
		return at
	}
	if name == Clique {
		return 3
	}
	return 2
}

// ReadConstraints reads the annotations of a group, and those of its pods where the group has
// none. An error names the object and the annotation, and what it may be.
func ReadConstraints(group string, annotations map[string]string, pods []*v1.Pod) (Constraints, error) {
	var c Constraints
	same, whose, err := annotationOf(SameAnnotation, group, annotations, pods)
	if err != nil {
		return c, err
	}
	switch strings.TrimSpace(same) {
	case "":
	case "product":
		c.Product = ProductRequired
	case "none":
		c.Product = ProductIndifferent
	default:
		return c, fmt.Errorf("%s has annotation %s: %q; it may be product (GPUs of one product for all pods) or none",
			whose, SameAnnotation, same)
	}
	for _, key := range []string{RequiredTopologyAnnotation, PreferredTopologyAnnotation} {
		text, whose, err := annotationOf(key, group, annotations, pods)
		if err != nil {
			return c, err
		}
		for name := range strings.SplitSeq(text, ",") {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			if err := checkLevel(name); err != nil {
				return c, fmt.Errorf("%s has annotation %s: %q: %w", whose, key, text, err)
			}
			if !slices.ContainsFunc(c.Levels, func(l Level) bool { return l.Name == name }) {
				c.Levels = append(c.Levels, Level{Name: name, Required: key == RequiredTopologyAnnotation})
			}
		}
	}
	slices.SortStableFunc(c.Levels, func(a, b Level) int { return widthOf(a.Name) - widthOf(b.Name) })
	return c, nil
}

// ConstraintsDiffer reports whether annotations of two versions of a PodGroup or pod say different things
// of what members share.
func ConstraintsDiffer(before, after map[string]string) bool {
	return slices.ContainsFunc([]string{SameAnnotation, RequiredTopologyAnnotation, PreferredTopologyAnnotation}, func(key string) bool {
		earlier, had := before[key]
		later, has := after[key]
		return had != has || earlier != later
	})
}

// checkLevel refuses what is neither a level nor a label.
func checkLevel(name string) error {
	if name == Clique || name == Rack || name == Zone {
		return nil
	}
	if name == "island" {
		return fmt.Errorf("an island is within one node: tie the GPUs of a pod with matchAttribute gpu.ashlar.dev/nvlinkIsland in its claim")
	}
	if !strings.Contains(name, "/") || len(validation.IsQualifiedName(name)) > 0 {
		return fmt.Errorf("%q is no level: it may be clique, rack, zone, or the key of a node label such as example.com/block", name)
	}
	return nil
}

// annotationOf finds an annotation and says whose it is. Pods of one group must not differ.
func annotationOf(key, group string, annotations map[string]string, pods []*v1.Pod) (text, whose string, err error) {
	if text, found := annotations[key]; found {
		return text, "PodGroup " + group, nil
	}
	var first *v1.Pod
	for _, pod := range pods {
		if first == nil || pod.Name < first.Name {
			first = pod
		}
	}
	if first == nil {
		return "", "", nil
	}
	for _, pod := range pods {
		if pod.Annotations[key] != first.Annotations[key] {
			return "", "", fmt.Errorf(
				"pods %s and %s of PodGroup %s differ in annotation %s (%q and %q): give all of them the same, or the PodGroup",
				first.Name, pod.Name, group, key, first.Annotations[key], pod.Annotations[key])
		}
	}
	return first.Annotations[key], "pod " + first.Name, nil
}
