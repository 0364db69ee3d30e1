package scenario

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// setDemand says what is expected of requests to come, on nodes that are added from now
// on and for the policy "fragmentation".
//
// Example:
//
//	demand divided=50
//	gpus=4 weight=1
//	mig=A100-80GB:4g.40gb weight=2
//	share=20GiB weight=1
func (e *Environment) setDemand(args *commandArguments, lines []string) (string, error) {
	demand := placement.Demand{
		Divided: args.numberOf("divided", 0, 0), GPUs: map[int]int64{},
		Profiles: map[mig.ProfileID]int64{}, Shares: map[topology.Bytes]int64{},
	}
	for _, line := range lines {
		args, err := parseArguments(line)
		if err != nil {
			return "", err
		}
		weight := args.numberOf("weight", 1, 0)
		switch {
		case args.hasOption("gpus"):
			demand.GPUs[int(args.numberOf("gpus", 1, 1))] = weight
		case args.hasOption("share"):
			demand.Shares[args.byteCount("share")] = weight
		case args.hasOption("mig"):
			id, err := profileNumber(args.textOf("mig", ""))
			if err != nil {
				return "", err
			}
			demand.Profiles[id] = weight
		default:
			return "", fmt.Errorf("line %q: want one of gpus=, mig= and share=, and weight=", line)
		}
		if err := args.unusedError(); err != nil {
			return "", fmt.Errorf("line %q: %w", line, err)
		}
	}
	e.demand = demand
	clear(e.machineKeys)
	return "", nil
}

// profileNumber finds a profile by the name of its table and its own: "A100-80GB:4g.40gb".
func profileNumber(text string) (mig.ProfileID, error) {
	key, name, _ := strings.Cut(text, ":")
	table, err := catalogue.Default().MIG(key)
	if err != nil {
		return 0, err
	}
	for i := range table.Profiles {
		if table.Profiles[i].Name == name {
			return table.Profiles[i].ID, nil
		}
	}
	return 0, fmt.Errorf("mig=%s: want TABLE:PROFILE, such as A100-80GB:4g.40gb", text)
}
