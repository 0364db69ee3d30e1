package deviceapi

// Labels of a node by which GPU feature discovery (NVIDIA/k8s-device-plugin) tells its GPUs.
const (
	// ProductLabel has the product, with dashes for blanks, see topology.SameProduct.
	ProductLabel = GPUResource + ".product"
	// CountLabel has the number of GPUs of that product.
	CountLabel = GPUResource + ".count"
)
