package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// partLine is one part of a request, as a line of a scenario describes it: the same on
// all nodes.
type partLine struct {
	name     string
	count    int
	selector placement.DeviceSelector
	// profiles are names of MIG profiles; numbers mean different profiles on different
	// models.
	profiles []string
	size     placement.ShareSize
	needs    placement.TopologyRequirements
}

// parsePart reads a line such as "gpus=4 numa<=1", "mig=1g.10gb count=2" or
// "share=20GiB compute=500".
func parsePart(args *arguments) (*partLine, error) {
	part := &partLine{name: args.text("name", ""), count: int(args.number("count", 1, 1))}
	forms := 0
	if args.has("gpus") {
		forms++
		part.selector.Forms = []placement.Form{placement.Whole}
		part.count = int(args.number("gpus", 1, 1))
	}
	if args.has("mig") {
		forms++
		part.selector.Forms = []placement.Form{placement.MIG}
		part.profiles = args.words("mig")
	}
	if args.has("share") {
		forms++
		part.selector.Forms = []placement.Form{placement.Share}
		part.size = args.shareSize()
	}
	if args.has("any") {
		forms++
		part.size.Bytes = args.bytes("any")
		part.selector.Memory = part.size.Bytes
	}
	if forms != 1 {
		return nil, fmt.Errorf("want one of gpus=, mig=, share= and any=")
	}
	part.size.Compute = args.compute()
	part.selector.Models = args.words("model")
	if args.has("memory>") {
		part.selector.Memory = args.bytes("memory>")
	}
	if text := args.text("capability>", ""); text != "" {
		major, minor, _ := strings.Cut(text, ".")
		var err, minorErr error
		part.selector.Compute.Major, err = strconv.ParseInt(major, 10, 64)
		part.selector.Compute.Minor, minorErr = strconv.ParseInt(minor, 10, 64)
		if err != nil || minorErr != nil {
			return nil, fmt.Errorf("capability>=%s: want a compute capability such as 9.0", text)
		}
	}
	part.needs = placement.TopologyRequirements{GBps: args.number("gbps>", 0, 1), NUMANodes: args.number("numa<", 0, 1)}
	if text := args.text("nic>", ""); text != "" {
		link, err := topology.ParseLink(text)
		if err != nil {
			return nil, err
		}
		part.needs.NIC = link.Kind
	}
	return part, args.unusedError()
}

// shareSize is share=, an amount of memory or "all", and compute=.
func (a *arguments) shareSize() placement.ShareSize {
	size := placement.ShareSize{Compute: a.compute()}
	if a.text("share", "") != "all" {
		size.Bytes = a.bytes("share")
	}
	return size
}

// compute is compute=, in thousandths of a GPU's.
func (a *arguments) compute() topology.MilliGPU { return topology.MilliGPU(a.number("compute", 0, 0)) }

// on is the part in the terms of one machine.
func (p *partLine) on(m *machine) placement.Part {
	accepted := p.selector.AcceptedDevices(m.inventory)
	return placement.Part{
		Name: p.name, Count: p.count, Bytes: p.size.Bytes, Compute: p.size.Compute, Needs: p.needs,
		Accepts: m.devicesWhere(func(i int) bool {
			return accepted.Has(i) && (p.profiles == nil || slices.Contains(p.profiles, m.profileName(i)))
		}),
	}
}
