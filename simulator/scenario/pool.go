package scenario

import (
	"errors"
	"fmt"
	"math"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Pool is a number of nodes that are alike: <name>-0, <name>-1 and so on.
type Pool struct {
	Name  string `json:"name"`
	Count int64  `json:"count,omitempty"` // 1 if not stated
	// Machine is a machine type of the catalogue, as `ashlar topology list` shows them.
	// Or else GPU names a GPU model, of which each node has GPUs without NVLink. Without
	// either the nodes have no GPU.
	Machine string `json:"machine,omitempty"`
	GPU     string `json:"gpu,omitempty"`
	GPUs    int64  `json:"gpus,omitempty"`
	// CPU and Memory are a node's, by default 16 CPUs and 128 GiB for each GPU.
	CPU    CPU    `json:"cpu,omitempty"`
	Memory Memory `json:"memory,omitempty"`
	// PerDomain is how many nodes form a domain (a rack, an NVLink domain) for gangs
	// that must be in one; 0 for none.
	PerDomain int64 `json:"perDomain,omitempty"`
	// Joins is when the nodes are first there.
	Joins Span `json:"joins,omitempty"`
	// Price is what an hour of one GPU costs, in dollars, by default the list price.
	Price float64 `json:"price,omitempty"`
}

// maxPrice is for an hour of a GPU, in dollars.
const maxPrice = 1000

// What a node has for each GPU unless stated, and without GPUs in all.
const (
	cpuPerGPU    CPU    = 16_000
	memoryPerGPU Memory = 128 << 30
)

func (p *Pool) nodeCount() int64 { return max(1, p.Count) }

func (p *Pool) checkFields(path string) error {
	problems := []error{
		checkName(path+".name", p.Name),
		checkRange(path+".count", p.Count, 0, simulator.MaxNodes),
		checkRange(path+".perDomain", p.PerDomain, 0, simulator.MaxNodes),
		checkRange(path+".gpus", p.GPUs, 0, topology.MaxGPUs),
		checkRange(path+".memory", int64(p.Memory), 0, maxMemory),
		checkRange(path+".cpu", int64(p.CPU), 0, maxCPU*1000),
		p.Joins.checkNotNegative(path + ".joins"),
	}
	if math.IsNaN(p.Price) || p.Price < 0 || p.Price > maxPrice {
		problems = append(problems, fieldErrorf(path+".price", "%v, want dollars from 0 to %d", p.Price, maxPrice))
	}
	switch {
	case p.Machine != "" && p.GPU != "":
		const both = "%q, but machine says what GPUs there are: leave one out, or write machine: %s/%s"
		problems = append(problems, fieldErrorf(path+".gpu", both, p.GPU, p.Machine, p.GPU))
	case p.GPU == "" && p.GPUs > 0:
		problems = append(problems, fieldErrorf(path+".gpus", "%d of what? name the model with gpu", p.GPUs))
	}
	return errors.Join(problems...)
}

// hardwareOf is what a node of the pool is made of, nil without GPUs.
func (p *Pool) hardwareOf(path string, c *catalogue.Catalogue) (*topology.Node, error) {
	if p.Machine != "" {
		machine, err := c.Machine(p.Machine)
		if err != nil {
			return nil, fieldErrorf(path+".machine", "%v", err)
		}
		return machine.Node, nil
	}
	if p.GPU == "" {
		return nil, nil
	}
	model, err := c.Model(p.GPU)
	if err != nil {
		return nil, fieldErrorf(path+".gpu", "%v", err)
	}
	return topology.FlatNode(model, int(max(1, p.GPUs))), nil
}

// inventoryOf is what a node of the pool hands out.
func inventoryOf(node *topology.Node, c *catalogue.Catalogue, demand placement.Demand) (*placement.Inventory, error) {
	tables := make([]*mig.Table, len(node.GPUs))
	for i, gpu := range node.GPUs {
		if gpu.Model.MIG == "" {
			continue
		}
		table, err := c.MIG(gpu.Model.MIG)
		if err != nil {
			return nil, err
		}
		tables[i] = table
	}
	return placement.NewInventory(node, placement.NodeDevices(node, tables), demand)
}

// gpuPrice is what an hour of a GPU costs, in millionths of a dollar.
func (p *Pool) gpuPrice(node *topology.Node, c *catalogue.Catalogue) int64 {
	if p.Price > 0 || node == nil {
		return int64(math.Round(p.Price * float64(catalogue.Dollar)))
	}
	price, _ := c.Price(node.GPUs[0].Model.Name)
	return int64(price)
}

// makeNodes are the pool's nodes.
func (p *Pool) makeNodes(inv *placement.Inventory, sharing []simulator.GPUSharing, price int64, domain *int64) []simulator.Node {
	host := simulator.Host{CPU: simulator.MilliCPU(p.CPU), Memory: topology.Bytes(p.Memory)}
	gpus := 1
	if inv != nil {
		gpus = len(inv.Node.GPUs)
	}
	if host.CPU == 0 {
		host.CPU = simulator.MilliCPU(cpuPerGPU) * simulator.MilliCPU(gpus)
	}
	if host.Memory == 0 {
		host.Memory = topology.Bytes(memoryPerGPU) * topology.Bytes(gpus)
	}
	count := p.nodeCount()
	width := len(fmt.Sprint(count - 1))
	var nodes []simulator.Node
	for i := range count {
		node := simulator.Node{
			Name: fmt.Sprintf("%s-%0*d", p.Name, width, i), Inventory: inv, Sharing: sharing, Host: host, Domain: cluster.NoDomain,
			Joins: simulator.Time(p.Joins), Price: price,
		}
		if p.PerDomain > 0 {
			if i%p.PerDomain == 0 {
				*domain++
			}
			node.Domain = *domain
		}
		nodes = append(nodes, node)
	}
	return nodes
}

var errNoGPUs = errors.New("no node has a GPU")
