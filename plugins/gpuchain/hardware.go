package gpuchain

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

const (
	nfdPrefix     = "feature.node.kubernetes.io/"
	nvidiaPrefix  = "nvidia.com/"
	deployPrefix  = "nvidia.com/gpu.deploy."
	presentLabel  = "nvidia.com/gpu.present"
	migStateLabel = "nvidia.com/mig.config.state"
	workloadLabel = "nvidia.com/gpu.workload.config"
	upgradeLabel  = "nvidia.com/gpu-driver-upgrade-state"
	nvidiaVendor  = "10de" // NVIDIA's PCI vendor id
)

// providerLabels are what clouds and Karpenter put on nodes with GPUs, with the words in
// the value that mean NVIDIA; no words: any value.
var providerLabels = []struct {
	key   string
	words []string
}{
	{"cloud.google.com/gke-accelerator", []string{"nvidia"}},
	{"karpenter.k8s.aws/instance-gpu-manufacturer", []string{"nvidia"}},
	{"k8s.amazonaws.com/accelerator", []string{"nvidia"}},
	{"kubernetes.azure.com/accelerator", []string{"nvidia"}},
}

// gpuInstances are the instance types with NVIDIA's GPUs of clouds that name families by
// GPU. Families that mix vendors (Azure's NV and ND) are left out.
var gpuInstances = regexp.MustCompile(
	`^(p[2-6][a-z]*(-gb200|-b200|-b300)?\.|(g4dn|g5|g5g|g6|g6e|g6f|gr6|g7e)\.|(a2|a3|a4|a4x|g2)-|Standard_NC)`)

// hardwareLabel is the label that shows that a node has NVIDIA hardware, "" if none does.
// Labels of node feature discovery come first, since they are read from the PCI bus.
func hardwareLabel(node *corev1.Node) string {
	var found []string
	for key, value := range node.Labels {
		if value == "true" && isNVIDIADevice(key) {
			found = append(found, key)
		}
	}
	if len(found) > 0 {
		return slices.Min(found)
	}
	if node.Labels[presentLabel] == "true" {
		return presentLabel
	}
	for _, label := range providerLabels {
		value := strings.ToLower(node.Labels[label.key])
		if slices.ContainsFunc(label.words, func(word string) bool { return strings.Contains(value, word) }) {
			return label.key
		}
	}
	if gpuInstances.MatchString(node.Labels[corev1.LabelInstanceTypeStable]) {
		return corev1.LabelInstanceTypeStable
	}
	for _, key := range []string{deviceapi.ProductLabel, deviceapi.CountLabel, deployPrefix + "driver", deployPrefix + "device-plugin"} {
		if value := node.Labels[key]; value != "" && value != "0" {
			return key
		}
	}
	return ""
}

// isNVIDIADevice reports whether a label is node feature discovery's for a PCI device of
// NVIDIA that computes or displays: pci-10de.present, pci-0302_10de.present,
// pci-0302_10de_20b5.present.
func isNVIDIADevice(key string) bool {
	rest, ours := strings.CutPrefix(key, nfdPrefix+"pci-")
	device, present := strings.CutSuffix(rest, ".present")
	if !ours || !present {
		return false
	}
	words := strings.Split(device, "_")
	vendor := slices.Index(words, nvidiaVendor)
	if vendor < 0 {
		return false
	}
	// The class, where it is part of the label, stands before the vendor. 03 is
	// displays, 12 accelerators, 0b40 co-processors; a bridge (06) is no GPU.
	class := ""
	if vendor > 0 {
		class = words[0]
	}
	return class == "" || strings.HasPrefix(class, "03") || strings.HasPrefix(class, "12") || class == "0b40"
}

// hasNFDLabels reports whether node feature discovery has labelled a node at all.
func hasNFDLabels(node *corev1.Node) bool {
	for key := range node.Labels {
		if strings.HasPrefix(key, nfdPrefix) {
			return true
		}
	}
	return false
}

// hasOperatorLabels reports whether the GPU Operator has labelled a node.
func hasOperatorLabels(node *corev1.Node) bool {
	for key := range node.Labels {
		if strings.HasPrefix(key, deployPrefix) && key != deployPrefix+"operands" {
			return true
		}
	}
	return false
}

// hasDriverLabels reports whether GPU feature discovery has read a driver's version on a
// node: the driver was loaded at that time.
func hasDriverLabels(node *corev1.Node) bool {
	for key := range node.Labels {
		if strings.HasPrefix(key, "nvidia.com/cuda.driver") {
			return true
		}
	}
	return false
}
