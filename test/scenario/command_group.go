package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// placeGroup places several pods at once, all or none. Below it are the lines that
// every one of members= pods asks, or sections that each begin with a line "member". With
// as= one holder has what all members get.
//
// Example:
//
//	group as=gang samedomain=required members=4
//	gpus=4
//
//	group
//	member count=2 cpu=8
//	gpus=4
//	member
//	gpus=1
//
// samerack=, samezone= and samemodel= are like samedomain=, and why says what a group lacks
// that does not fit.
func (e *Environment) placeGroup(args *commandArguments, lines []string) (string, error) {
	group, pods, err := e.parseGroup(args, lines)
	if err != nil {
		return "", err
	}
	h, err := parseHolder(args)
	if err != nil {
		return "", err
	}
	wantsShortfall := args.hasFlag("why")
	verdict := e.snapshot.SolveGroup(group)
	if verdict.Outcome != placement.Fits {
		text := fmt.Sprintf("%s: no member is placed", verdict.Outcome)
		if wantsShortfall {
			text += shortfallWords(&verdict.Shortfall)
		}
		return text, nil
	}
	var out strings.Builder
	for i, d := range verdict.Decisions {
		out.WriteString(e.decisionWords(pods[i], fmt.Sprintf("member %d", i), d))
		if h.id == "" {
			continue
		}
		if err := e.snapshot.Allocate(d.Node, h.allocationOf(pods[i].host, slices.Clone(d.Devices))); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

// shortfallWords says how many members fit, which kinds are short, and which constraint is in
// the way.
func shortfallWords(shortfall *cluster.GroupShortfall) string {
	words := fmt.Sprintf("\nat most %d fit together", shortfall.Fit)
	for _, shape := range shortfall.Shapes {
		words += fmt.Sprintf("\nlike member %d: %d of %d fit by themselves", shape.Member, shape.Alone, shape.Members)
	}
	if shortfall.LimitedBy != "" {
		words += "\nall fit but for the " + shortfall.LimitedBy
	}
	return words
}

// constraintModes are the values of samedomain= and its like.
var constraintModes = map[string]cluster.ConstraintMode{
	"indifferent": cluster.Indifferent, "preferred": cluster.Preferred, "required": cluster.Required,
}

// parseGroup reads a group and the pod of each member.
func (e *Environment) parseGroup(args *commandArguments, lines []string) (*cluster.Group, []*podOptions, error) {
	modes := map[string]cluster.ConstraintMode{}
	for _, key := range []string{"samezone", "samerack", "samedomain", "samemodel"} {
		mode, known := constraintModes[args.textOf(key, "indifferent")]
		if !known {
			return nil, nil, fmt.Errorf("%s=%s: want indifferent, preferred or required", key, args.textOf(key, ""))
		}
		modes[key] = mode
	}
	var pods []*podOptions
	add := func(args *commandArguments, count string, lines []string) error {
		p, err := e.parsePod(args, lines)
		for range args.numberOf(count, 1, 1) {
			pods = append(pods, p)
		}
		return err
	}
	if len(lines) == 0 || !isMember(lines[0]) {
		if err := add(args, "members", lines); err != nil {
			return nil, nil, err
		}
	}
	for i := 0; i < len(lines); i++ {
		if !isMember(lines[i]) {
			continue
		}
		end := i + 1
		for end < len(lines) && !isMember(lines[end]) {
			end++
		}
		section, err := parseArguments(strings.TrimPrefix(lines[i], "member"))
		if err == nil {
			err = add(section, "count", lines[i+1:end])
		}
		if err == nil {
			err = section.unusedError()
		}
		if err != nil {
			return nil, nil, fmt.Errorf("line %q: %w", lines[i], err)
		}
	}
	group := &cluster.Group{SameModel: modes["samemodel"], Levels: []cluster.GroupLevel{
		{Name: "zone", Mode: modes["samezone"], DomainOf: func(node int) int64 { return e.places[node].zone }},
		{Name: "rack", Mode: modes["samerack"], DomainOf: func(node int) int64 { return e.places[node].rack }},
		e.snapshot.NVLinkLevel(modes["samedomain"]),
	}}
	for _, p := range pods {
		group.Members = append(group.Members, cluster.GroupMember{Ranking: p.ranking, Host: p.host})
	}
	return group, pods, nil
}

// isMember reports whether a line begins a member of a group.
func isMember(line string) bool { return line == "member" || strings.HasPrefix(line, "member ") }
