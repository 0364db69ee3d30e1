package topology

import (
	"fmt"
	"strconv"
	"strings"
)

// LinkKind is how two GPUs, or a NIC and a GPU, reach each other. The order is
// from far to near, so that a larger kind is a better one.
type LinkKind uint8

// The kinds that `nvidia-smi topo -m` prints.
const (
	SYS    LinkKind = iota // across the sockets' interconnect
	NODE                   // between PCIe host bridges of one NUMA node
	PHB                    // through one PCIe host bridge
	PXB                    // through several PCIe switches
	PIX                    // through one PCIe switch
	NVLink                 // bonded NVLinks, directly or through NVSwitch
	Self                   // the GPU itself
)

var linkNames = map[LinkKind]string{SYS: "SYS", NODE: "NODE", PHB: "PHB", PXB: "PXB", PIX: "PIX", Self: "X"}

// Link is one entry of a link table.
type Link struct {
	Kind LinkKind
	// Lanes is the number of bonded NVLinks; 0 unless Kind is NVLink.
	Lanes int64
	// Assumed says that nobody published the link. Kind is then the least that it can be, to
	// choose by and not to speak of.
	Assumed bool
}

// String prints the link as `nvidia-smi topo -m` does: "NV18", "PIX", "X"; "unknown" for one
// that is assumed.
func (l Link) String() string {
	if l.Assumed {
		return "unknown"
	}
	if l.Kind == NVLink {
		return "NV" + strconv.FormatInt(l.Lanes, 10)
	}
	return linkNames[l.Kind]
}

// maxLanes bounds what a link table may claim; NVML's NVLINK_MAX_LINKS is 18
// and later parts may have more.
const maxLanes = 64

// ParseLink reads what String prints.
func ParseLink(text string) (Link, error) {
	if lanes, found := strings.CutPrefix(text, "NV"); found {
		n, err := strconv.ParseInt(lanes, 10, 64)
		if err != nil || n < 1 || n > maxLanes {
			return Link{}, fmt.Errorf("link %q: want NV1 to NV%d", text, int64(maxLanes))
		}
		return Link{Kind: NVLink, Lanes: n}, nil
	}
	for kind, name := range linkNames {
		if text == name {
			return Link{Kind: kind}, nil
		}
	}
	return Link{}, fmt.Errorf("unknown link %q: want X, NV<n>, PIX, PXB, PHB, NODE or SYS", text)
}

// pcieGBps is what a copy between two GPUs gets per direction without NVLink.
// PHB and SYS are what NCCL's topology search assumes on PCIe 4 hosts
// (github.com/NVIDIA/nccl-tests issue 307); NODE lies between them. The tiers
// differ little in practice, so they only ever rank below any NVLink.
var pcieGBps = map[LinkKind]int64{SYS: 10, NODE: 18, PHB: 24, PXB: 24, PIX: 24}

// withoutP2P is the link as it serves GPUs that may not copy to one another over PCIe.
func (l Link) withoutP2P() Link {
	if l.Kind == NVLink || l.Kind == Self {
		return l
	}
	return Link{Kind: SYS, Assumed: l.Assumed}
}

// GBps is the bandwidth of the link per direction between two GPUs whose
// NVLinks run at laneGBps each.
func (l Link) GBps(laneGBps int64) int64 {
	if l.Kind == NVLink {
		return l.Lanes * laneGBps
	}
	return pcieGBps[l.Kind]
}
