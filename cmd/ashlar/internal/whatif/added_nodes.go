package whatif

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// maxAdded bounds the nodes of one --add.
const maxAdded = 1000

// nodeAddition is one --add: nodes that the cluster would have as well.
type nodeAddition struct {
	// Text is the flag's value.
	Text  string `json:"add"`
	Nodes int    `json:"nodes"`
	// DollarsPerHour is the list price of the nodes' GPUs, nil if it is not known of all of them.
	DollarsPerHour *float64                `json:"dollarsPerHour,omitempty"`
	Answer         *dryrun.PlacementAnswer `json:"answer"`

	machines []addedMachine
}

type addedMachine struct {
	*topology.MachineType
	count int
}

// readAddition reads one --add: MACHINE=N, several of them with commas.
func readAddition(c *catalogue.Catalogue, text string) (*nodeAddition, error) {
	a := &nodeAddition{Text: text}
	dollars, priced := 0.0, true
	for part := range strings.SplitSeq(text, ",") {
		name, number, counted := strings.Cut(strings.TrimSpace(part), "=")
		count := 1
		if counted {
			var err error
			if count, err = strconv.Atoi(number); err != nil || count < 1 || count > maxAdded {
				return nil, cli.UsageErrorf("--add %s: want MACHINE=N with N from 1 to %d, such as dgx-h100=2", part, maxAdded)
			}
		}
		machine, err := c.Machine(name)
		if err != nil {
			return nil, cli.UsageErrorf("--add: %w", err)
		}
		for _, gpu := range machine.Node.GPUs {
			price, known := c.Price(gpu.Model.Name)
			dollars += float64(count) * float64(price) / float64(catalogue.Dollar)
			priced = priced && known
		}
		a.machines = append(a.machines, addedMachine{machine, count})
		a.Nodes += count
	}
	if a.Nodes > maxAdded {
		return nil, cli.UsageErrorf("--add %s: %d nodes, at most %d are looked at", text, a.Nodes, maxAdded)
	}
	if priced {
		a.DollarsPerHour = &dollars
	}
	return a, nil
}

// priceText is the price, or Unknown.
func (a *nodeAddition) priceText() string {
	if a.DollarsPerHour == nil {
		return cli.Unknown
	}
	return "$" + strconv.FormatFloat(*a.DollarsPerHour, 'f', 2, 64)
}

// growCluster is a copy of a cluster with the nodes, as an autoscaler would make them and Ashlar's driver
// would publish them.
func (a *nodeAddition) growCluster(c *catalogue.Catalogue, cluster *dryrun.ClusterObjects) (*dryrun.ClusterObjects, error) {
	grown := *cluster
	grown.Nodes, grown.Slices = slices.Clone(cluster.Nodes), slices.Clone(cluster.Slices)
	taken := map[string]bool{}
	for _, node := range cluster.Nodes {
		taken[node.Name] = true
	}
	for _, machine := range a.machines {
		prefix := "new-" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(machine.Name))
		for i, made := 0, 0; made < machine.count; i++ {
			name := fmt.Sprintf("%s-%d", prefix, i)
			if taken[name] {
				continue
			}
			taken[name] = true
			made++
			node := newNode(name, machine.MachineType, cluster)
			published, err := publishedSlices(c, name, machine.MachineType)
			if err != nil {
				return nil, fmt.Errorf("--add %s: %w", a.Text, err)
			}
			grown.Nodes, grown.Slices = append(grown.Nodes, node), append(grown.Slices, published...)
		}
	}
	return &grown, nil
}

// What a new node has where no node of the cluster has more.
var usualCPU, usualMemory = resource.MustParse("128"), resource.MustParse("1Ti")

// newNode is a node of a machine type with the labels that a cloud, GPU feature discovery and Ashlar's
// installation give it. The catalogue does not know CPU and memory: it has as much as the largest node.
func newNode(name string, machine *topology.MachineType, cluster *dryrun.ClusterObjects) *corev1.Node {
	cpu, memory := usualCPU, usualMemory
	for _, node := range cluster.Nodes {
		if has := node.Status.Allocatable.Cpu(); has.Cmp(cpu) > 0 {
			cpu = *has
		}
		if has := node.Status.Allocatable.Memory(); has.Cmp(memory) > 0 {
			memory = *has
		}
	}
	gpu := machine.Node.GPUs[0].Model
	amounts := corev1.ResourceList{
		corev1.ResourceCPU: cpu, corev1.ResourceMemory: memory, corev1.ResourcePods: resource.MustParse("110"),
		corev1.ResourceEphemeralStorage: resource.MustParse("1Ti"),
	}
	labelValue := func(text string) string { return strings.NewReplacer(" ", "-", "/", ".").Replace(text) }
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			corev1.LabelHostname: name, corev1.LabelInstanceTypeStable: labelValue(machine.Name),
			corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
			"ashlar.dev/driver": "true", "ashlar.dev/machine": labelValue(machine.Name),
			"nvidia.com/gpu.present": "true", "nvidia.com/gpu.product": labelValue(gpu.Product),
			"nvidia.com/gpu.count":  strconv.Itoa(len(machine.Node.GPUs)),
			"nvidia.com/gpu.memory": strconv.FormatInt(int64(gpu.Memory)>>20, 10),
		}},
		Status: corev1.NodeStatus{
			Capacity: amounts, Allocatable: amounts,
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
		},
	}
}

// bestAddition orders additions: more pods that fit, then the lower price, then fewer nodes.
func bestAddition(a, b *nodeAddition) int {
	price := func(one *nodeAddition) float64 {
		if one.DollarsPerHour == nil {
			return 1e12 // after all whose price is known
		}
		return *one.DollarsPerHour
	}
	return cmp.Or(cmp.Compare(b.Answer.Fit, a.Answer.Fit), cmp.Compare(price(a), price(b)), cmp.Compare(a.Nodes, b.Nodes))
}
