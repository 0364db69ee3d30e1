package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// placePods decides where a pod goes, and what it gets there. With as= it then holds
// that; with pods= so many pods that ask alike are placed one after the other, held by
// NAME-0, NAME-1 and so on. With asked the nodes are named whose answer was worked out.
//
// Example:
//
//	place as=train priority=5 cpu=8 policy=keep-placeable
//	gpus=4 numa<=1
func (e *Environment) placePods(args *commandArguments, lines []string) (string, error) {
	p, err := e.parsePod(args, lines)
	if err != nil {
		return "", err
	}
	h, err := parseHolder(args)
	if err != nil {
		return "", err
	}
	pods, asked := args.numberOf("pods", 1, 1), args.hasFlag("asked")
	if args.hasOption("pods") && h.id == "" {
		return "", fmt.Errorf("pods= wants as=: without it every pod would get the same")
	}
	var out strings.Builder
	var alike podRun
	for i := range pods {
		pod := h
		if args.hasOption("pods") {
			pod.id = placement.HolderID(fmt.Sprintf("%s-%d", h.id, i))
		}
		clear(p.request.asked)
		decision, found := p.ranking.Best(p.host, nil)
		askedWords := ""
		if asked {
			askedWords = fmt.Sprintf("  asked: %s\n", orNone(e.nodeNames(sortedKeys(p.request.asked))))
		}
		if !found {
			alike.flushRun(&out)
			out.WriteString(askedWords + e.refusalWords(p))
			break
		}
		if args.hasOption("pods") {
			alike.addPod(&out, pod.String(), e.decisionWords(p, "", decision)+askedWords)
		} else {
			out.WriteString(e.decisionWords(p, pod.String(), decision) + askedWords)
			r := decision.Rating
			fmt.Fprintf(&out, "rating: bandwidth %d, cost %d, distance %d\n", r.Bandwidth, r.OpportunityCost, r.Distance)
		}
		if pod.id != "" {
			if err := e.snapshot.Allocate(decision.Node, pod.allocationOf(p.host, slices.Clone(decision.Devices))); err != nil {
				return "", err
			}
		}
	}
	alike.flushRun(&out)
	return out.String(), nil
}

// podRun is pods that follow one another and get what reads the same.
type podRun struct{ first, last, words string }

// addPod adds a pod to the run, or ends the run and begins another.
func (r *podRun) addPod(out *strings.Builder, pod, words string) {
	if words != r.words {
		r.flushRun(out)
		*r = podRun{first: pod, words: words}
	}
	r.last = pod
}

// flushRun prints the run and ends it.
func (r *podRun) flushRun(out *strings.Builder) {
	if r.words == "" {
		return
	}
	if r.first != r.last {
		r.first += " to " + r.last
	}
	fmt.Fprintf(out, "%s on %s", r.first, r.words)
	*r = podRun{}
}

// decisionWords says who gets what, one line for each part if there are several.
func (e *Environment) decisionWords(p *podOptions, who string, d cluster.Decision) string {
	head := e.snapshot.Node(d.Node).Name
	if who != "" {
		head = who + " on " + head
	}
	parts := e.partWords(d.Node, d.Devices)
	if len(parts) == 1 {
		return head + ": " + parts[0] + "\n"
	}
	out := head + ":\n"
	for i, words := range parts {
		name := ""
		if len(p.request.alternatives) == 1 {
			name = p.request.partName(i) + ": "
		}
		out += "  " + name + words + "\n"
	}
	return out
}

// refusalWords says why a pod fits nowhere, in short.
func (e *Environment) refusalWords(p *podOptions) string {
	nodes, _ := e.nodeNumbers(nil)
	explanation := p.ranking.Explain(nodes, cluster.ExplainLimit{})
	out := "fits nowhere\n"
	for _, refusal := range explanation.Refusals {
		out += "  " + e.reasonWords(p, &refusal) + "\n"
	}
	return out + e.otherwiseWords(explanation)
}

func sortedKeys(set map[int]bool) []int {
	var keys []int
	for key := range set {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func orNone(list string) string {
	if list == "" {
		return "none"
	}
	return list
}
