package resourceslices

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// DescribeDevices describes the devices: "GPUs 0,1", "GPU 0: 1g.10gb at 6:1", "GPU 0: 20GiB of
// 44.42GiB", and "access to GPUs 0,1" for what an administrator only looks at.
func (a *ClaimAllocation) DescribeDevices() string {
	var texts []string
	if held := a.describeDevices(false); held != "" {
		texts = append(texts, held)
	}
	if seen := a.describeDevices(true); seen != "" {
		texts = append(texts, "access to "+seen)
	}
	return strings.Join(texts, "; ")
}

// describeDevices describes the devices with admin access, or those without.
func (a *ClaimAllocation) describeDevices(adminAccess bool) string {
	var whole []string
	var parts []string
	for _, got := range a.Devices {
		if got.AdminAccess != adminAccess {
			continue
		}
		switch got.Device.Form {
		case placement.Whole:
			whole = append(whole, fmt.Sprint(got.Device.GPU))
		case placement.MIG:
			parts = append(parts, fmt.Sprintf("GPU %d: %s at %s", got.Device.GPU, got.Profile, got.Device.Placement))
		case placement.Share:
			parts = append(parts, fmt.Sprintf("GPU %d: %s of %s", got.Device.GPU, got.Bytes, got.Device.Memory))
		}
	}
	if len(whole) == 1 {
		parts = append(parts, "GPU "+whole[0])
	} else if len(whole) > 1 {
		parts = append(parts, "GPUs "+strings.Join(whole, ","))
	}
	return strings.Join(parts, "; ")
}

// DescribeConnection describes how the whole GPUs are connected, "-" for fewer than two: the
// slowest link, and the bandwidth of the ring through all; "unknown" if their driver does
// not publish it.
func (a *ClaimAllocation) DescribeConnection() string {
	if a.Link.Assumed {
		return "unknown"
	}
	if a.Bandwidth == 0 {
		return "-"
	}
	kind := a.Link.String()
	if a.Link.Kind != topology.NVLink {
		kind = "PCIe " + kind
	}
	return fmt.Sprintf("%s, %d GB/s", kind, a.Bandwidth)
}

// ProductName is the model of the devices, as people call it, or all of their models.
func (a *ClaimAllocation) ProductName() string { return ProductNames(a.Devices) }

// ProductNames are the models of devices, as people call them: "A30", or with how many there are
// of each, in the order of the devices, "1 x A100-SXM4-80GB, 3 x A100-SXM4-40GB".
func ProductNames(devices []AllocatedDevice) string {
	var names []string
	count := map[string]int{}
	for i := range devices {
		name := strings.TrimPrefix(devices[i].Product, "NVIDIA ")
		if count[name]++; count[name] == 1 {
			names = append(names, name)
		}
	}
	if len(names) > 1 {
		for i, name := range names {
			names[i] = fmt.Sprintf("%d x %s", count[name], name)
		}
	}
	return strings.Join(names, ", ")
}
