package topology

// FlatNode is a node of GPUs of one model that all reach one another alike, over PCIe and
// the host bridge (PHB), without NVLink, NUMA or NICs: what is assumed where nothing but
// model and number of GPUs is known.
func FlatNode(model *Model, gpus int) *Node {
	node := &Node{}
	for i := range gpus {
		links := make([]Link, gpus)
		for j := range links {
			links[j] = Link{Kind: PHB}
		}
		links[i] = Link{Kind: Self}
		node.GPUs = append(node.GPUs, GPU{Model: model, NUMA: NoNUMA})
		node.Links = append(node.Links, links)
	}
	return node
}
