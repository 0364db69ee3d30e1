package scenario

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// comparePolicies shows what each policy would choose, in the same state. Nothing is held
// afterwards.
//
// Example:
//
//	compare
//	share=8GiB
func (e *Environment) comparePolicies(args *commandArguments, lines []string) (string, error) {
	if args.hasOption("policy") {
		return "", fmt.Errorf("is about all policies: policy= makes no sense")
	}
	p, err := e.parsePod(args, lines)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, policy := range placement.Policies(e.demand, uint64(args.numberOf("seed", 1, 0))) {
		words := "fits nowhere\n"
		if decision, found := e.snapshot.Rank(p.asks, policy).Best(p.host, nil); found {
			words = e.decisionWords(p, "", decision)
		}
		fmt.Fprintf(&out, "%-14s  %s", policy.Name(), words)
	}
	return out.String(), nil
}
