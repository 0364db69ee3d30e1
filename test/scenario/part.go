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
func parsePart(args *commandArguments) (*partLine, error) {
	part := &partLine{name: args.textOf("name", ""), count: int(args.numberOf("count", 1, 1))}
	forms := 0
	if args.hasOption("gpus") {
		forms++
		part.selector.Forms = []placement.Form{placement.Whole}
		part.count = int(args.numberOf("gpus", 1, 1))
	}
	if args.hasOption("mig") {
		forms++
		part.selector.Forms = []placement.Form{placement.MIG}
		part.profiles = args.barredWords("mig")
	}
	if args.hasOption("share") {
		forms++
		part.selector.Forms = []placement.Form{placement.Share}
		part.size = args.shareSize()
	}
	if args.hasOption("any") {
		forms++
		part.size.Bytes = args.byteCount("any")
		part.selector.Memory = part.size.Bytes
	}
	if forms != 1 {
		return nil, fmt.Errorf("want one of gpus=, mig=, share= and any=")
	}
	part.size.Compute = args.computeShare()
	part.selector.Models = args.barredWords("model")
	if args.hasOption("memory>") {
		part.selector.Memory = args.byteCount("memory>")
	}
	if text := args.textOf("capability>", ""); text != "" {
		major, minor, _ := strings.Cut(text, ".")
		var err, minorErr error
		part.selector.Compute.Major, err = strconv.ParseInt(major, 10, 64)
		part.selector.Compute.Minor, minorErr = strconv.ParseInt(minor, 10, 64)
		if err != nil || minorErr != nil {
			return nil, fmt.Errorf("capability>=%s: want a compute capability such as 9.0", text)
		}
	}
	part.needs = placement.TopologyRequirements{GBps: args.numberOf("gbps>", 0, 1), NUMANodes: args.numberOf("numa<", 0, 1)}
	if text := args.textOf("nic>", ""); text != "" {
		link, err := topology.ParseLink(text)
		if err != nil {
			return nil, err
		}
		part.needs.NIC = link.Kind
	}
	return part, args.unusedError()
}

// shareSize is share=, an amount of memory or "all", and compute=.
func (a *commandArguments) shareSize() placement.ShareSize {
	size := placement.ShareSize{Compute: a.computeShare()}
	if a.textOf("share", "") != "all" {
		size.Bytes = a.byteCount("share")
	}
	return size
}

// computeShare is compute=, in thousandths of a GPU's.
func (a *commandArguments) computeShare() topology.MilliGPU {
	return topology.MilliGPU(a.numberOf("compute", 0, 0))
}

// onMachine is the part in the terms of one machine.
func (p *partLine) onMachine(m *catalogueMachine) placement.Part {
	accepted := p.selector.AcceptedDevices(m.inventory)
	return placement.Part{
		Name: p.name, Count: p.count, Bytes: p.size.Bytes, Compute: p.size.Compute, Needs: p.needs,
		Accepts: m.devicesWhere(func(i int) bool {
			return accepted.Has(i) && (p.profiles == nil || slices.Contains(p.profiles, m.profileName(i)))
		}),
	}
}
