package deviceplugin

import (
	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// acceleratorLabel names the GPU of a node of Google's Kubernetes Engine, which runs no
// GPU feature discovery (cloud.google.com/kubernetes-engine/docs/how-to/gpus).
const acceleratorLabel = "cloud.google.com/gke-accelerator"

// Labels of the same nodes for GPUs that are cut or shared (how-to/gpus-multi and
// how-to/timesharing-gpus there): the MIG profile, "time-sharing" or "mps", and how many
// pods may have one GPU.
const (
	partitionLabel     = "cloud.google.com/gke-gpu-partition-size"
	googleSharingLabel = "cloud.google.com/gke-gpu-sharing-strategy"
	googleClientsLabel = "cloud.google.com/gke-max-shared-clients-per-gpu"
)

// accelerators are the models by that label's values. nvidia-tesla-v100 is left out: it
// stands for a card that the catalogue lacks.
var accelerators = map[string]string{
	"nvidia-tesla-t4":       "T4",
	"nvidia-l4":             "L4",
	"nvidia-tesla-a100":     "A100-SXM4-40GB",
	"nvidia-a100-80gb":      "A100-SXM4-80GB",
	"nvidia-h100-80gb":      "H100-SXM5-80GB",
	"nvidia-h100-mega-80gb": "H100-SXM5-80GB",
	"nvidia-h200-141gb":     "H200-SXM-141GB",
	"nvidia-b200":           "B200",
	"nvidia-gb200":          "GB200",
}

// instanceOf is the cloud's instance type that a node is, nil if its labels do not say or
// the catalogue does not know.
func instanceOf(node *v1.Node) *catalogue.InstanceType {
	for _, label := range []string{v1.LabelInstanceTypeStable, v1.LabelInstanceType, machineLabel} {
		if known, found := catalogue.Default().InstanceType(node.Labels[label]); found {
			return known
		}
	}
	return nil
}

// machineModel is the model that a node's type proves, nil if it proves none. A product
// that is labelled stands above it: then the type proves nothing.
func machineModel(node *v1.Node, product string) *topology.Model {
	if product != "" {
		return nil
	}
	if known := instanceOf(node); known != nil {
		return known.Model
	}
	if key, found := accelerators[node.Labels[acceleratorLabel]]; found {
		if model, err := catalogue.Default().Model(key); err == nil {
			return model
		}
	}
	return nil
}

// provenMachine is how the GPUs of a node are linked: what the catalogue has for its
// type, if what is handed out is all of that type's GPUs; nil if that is not proven.
func provenMachine(node *v1.Node, r *Resource) *topology.Node {
	known := instanceOf(node)
	if known == nil || known.Machine == nil || r.Model == nil || r.Profile != "" {
		return nil
	}
	if r.CountDevices() != known.GPUs || !topology.SameProduct(r.Model.Product, known.Model.Product) {
		return nil
	}
	return known.Machine.Node
}
