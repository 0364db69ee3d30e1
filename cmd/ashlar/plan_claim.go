package main

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// maxSubrequests is how many alternatives the API takes in one request
// (resource.k8s.io/v1, FirstAvailableDeviceRequestMaxSize).
const maxSubrequests = 8

// alternative is one entry of firstAvailable: GPUs that are had in the same form.
type alternative struct {
	name, class string
	// slices are the MIG profiles and the GPUs that have them, one without a profile
	// for whole GPUs and shares.
	slices []slicesOf
	// memory is what is asked of a share.
	memory topology.Bytes
	gpus   int64
	// about are the GPUs with their prices, for a comment.
	about []string
}

// slicesOf is one MIG profile of some GPUs.
type slicesOf struct {
	profile  string
	products []string
}

// The device classes of manifests/base.
const (
	classWhole = deviceapi.Driver
	classMIG   = "mig." + deviceapi.Driver
	classShare = "share." + deviceapi.Driver
)

// writeClaims writes a ResourceClaimTemplate for each server.
func (a *planAnswers) writeClaims(w io.Writer) error {
	p := &page{w: w}
	for _, plan := range a.Plans {
		if len(plan.claimed()) == 0 {
			if slices.ContainsFunc(plan.Options, func(o *planOption) bool { return o.Fits }) {
				return nothingFits{plan.Model + ": what fits does so only within the margin of the estimate, and a claim is made of what surely fits: ask for less, or for larger GPUs"}
			}
			return nothingFits{plan.refusal() + ", so that there is nothing to claim"}
		}
	}
	names := map[string]int{}
	for i, plan := range a.Plans {
		if i > 0 {
			p.printf("---\n")
		}
		name := plan.claimName()
		if names[name]++; names[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, names[name])
		}
		plan.writeClaim(p, name)
	}
	return p.err
}

func (a *planAnswer) writeClaim(p *page, name string) {
	chosen, left := a.alternatives()
	p.printf("# Sized by ashlar plan for %s.\n", oneLine(a.Model))
	p.printf("# Asked: %s.\n", oneLine(a.question()))
	if words := a.arguments(chosen[0].gpus); words != "" {
		p.printf("# The sizes hold for a server that is started with %s\n", words)
	}
	for _, note := range a.Notes {
		p.printf("# Note: %s.\n", oneLine(note))
	}
	if n := chosen[0].gpus; n > 1 {
		p.printf("# All alternatives have %d GPUs, as the arguments are the same for all; --tp asks for another number.\n", n)
	}
	if left > 0 {
		p.printf("# %d dearer shares are left out: the API takes %d alternatives.\n", left, maxSubrequests)
	}
	p.printf("apiVersion: resource.k8s.io/v1\nkind: ResourceClaimTemplate\nmetadata:\n  name: %s\n  annotations:\n", name)
	p.printf("    ashlar.dev/model: %q\n", oneLine(a.Model))
	p.printf("    ashlar.dev/sized-for: %q\n", oneLine(a.question()))
	if words := a.arguments(chosen[0].gpus); words != "" {
		p.printf("    ashlar.dev/arguments: %q\n", words)
	}
	need := a.claimed()[0].estimate.Need()
	p.printf("    ashlar.dev/memory-per-gpu: %q\n", fmt.Sprintf("%s to start, %s wanted", need.Start, need.Wanted))
	p.printf("spec:\n  spec:\n    devices:\n      requests:\n      - name: gpus\n        firstAvailable:\n")
	for _, c := range chosen {
		c.write(p)
	}
	if chosen[0].gpus > 1 {
		p.printf("      constraints:\n      # GPUs that share a model must be equal. Those that NVLink connects are preferred anyway;\n")
		p.printf("      # add nvlinkIsland here to insist on it.\n")
		p.printf("      - matchAttribute: %s/%s\n", deviceapi.Driver, deviceapi.ProductName)
	}
}

func (c *alternative) write(p *page) {
	for _, line := range wrapped(c.about, pageWidth-len("        # ")) {
		p.printf("        # %s\n", line)
	}
	p.printf("        - name: %s\n          deviceClassName: %s\n", c.name, c.class)
	if c.gpus > 1 {
		p.printf("          allocationMode: ExactCount\n          count: %d\n", c.gpus)
	}
	expression := expressionOf(c.slices)
	p.printf("          selectors:\n          - cel:\n              expression: %s\n", expression)
	if c.memory > 0 {
		p.printf("          capacity:\n            requests:\n              memory: %dMi\n", c.memory/topology.MiB)
	}
}

// expressionOf selects the devices in CEL. Profiles of the same GPUs are one term:
// an expression has at most 10 KiB.
func expressionOf(all []slicesOf) string {
	type term struct{ profiles, products []string }
	var terms []term
	for _, s := range all {
		i := slices.IndexFunc(terms, func(t term) bool { return slices.Equal(t.products, s.products) })
		if i < 0 {
			i = len(terms)
			terms = append(terms, term{products: s.products})
		}
		terms[i].profiles = append(terms[i].profiles, s.profile)
	}
	var words []string
	for _, t := range terms {
		text := among(deviceapi.ProductName, t.products)
		if t.profiles[0] != "" {
			text = among(deviceapi.Profile, t.profiles) + " && " + text
		}
		words = append(words, text)
	}
	return strings.Join(words, " || ")
}

// among says in CEL that an attribute is one of some texts.
func among(attribute string, values []string) string {
	name := fmt.Sprintf("device.attributes[%q].%s", deviceapi.Driver, attribute)
	if len(values) == 1 {
		return fmt.Sprintf("%s == %q", name, values[0])
	}
	quoted := make([]string, 0, len(values))
	for _, value := range values {
		quoted = append(quoted, strconv.Quote(value))
	}
	return name + " in [" + strings.Join(quoted, ", ") + "]"
}

// alternatives are the ways that fit, the cheapest first, and how many are left out.
// All of them are for one number of GPUs and one set of arguments, since a pod has
// one. Where there are more than the API takes, the last two are any other slice and
// any other whole GPU.
func (a *planAnswer) alternatives() (chosen []*alternative, left int) {
	var all []*alternative
	for _, o := range a.claimed() {
		next := alternativeOf(o)
		if last := len(all) - 1; last >= 0 && next.alike(all[last]) {
			all[last].take(next)
			continue
		}
		all = append(all, next)
	}
	if len(all) <= maxSubrequests {
		return numbered(all), 0
	}
	chosen = all[:maxSubrequests-2]
	rest := map[string]*alternative{}
	for _, next := range all[len(chosen):] {
		other := rest[next.class]
		switch {
		case next.memory > 0:
			left++ // shares of different sizes cannot be one alternative
		case other == nil:
			next.name = "other-" + strings.TrimSuffix(next.class, "."+deviceapi.Driver)
			rest[next.class] = next
		default:
			other.take(next)
		}
	}
	for _, class := range []string{classMIG, classWhole} {
		if other := rest[class]; other != nil {
			if class == classWhole {
				other.name = "other-whole"
			}
			chosen = append(chosen, other)
		}
	}
	return numbered(chosen), left
}

// claimed are the options of the claim: for as many GPUs as the cheapest, and close
// ones only if there are no others.
func (a *planAnswer) claimed() []*planOption {
	certain := slices.ContainsFunc(a.Options, func(o *planOption) bool { return a.claimable(o) && !o.Close })
	var claimed []*planOption
	for _, o := range a.Options {
		if a.claimable(o) && o.Close != certain && !a.fillsGPU(o) && (len(claimed) == 0 || o.GPUs == claimed[0].GPUs) {
			claimed = append(claimed, o)
		}
	}
	return claimed
}

// fillsGPU reports whether a slice takes a whole GPU, which may as well be had whole.
func (a *planAnswer) fillsGPU(o *planOption) bool {
	return o.Form == formMIG && slices.ContainsFunc(a.Options, func(whole *planOption) bool {
		return whole.Form == formWhole && whole.GPU == o.GPU && whole.Fits && o.TotalBytes > whole.TotalBytes/10*9
	})
}

// numbered gives alternatives names of their own.
func numbered(all []*alternative) []*alternative {
	seen := map[string]int{}
	for _, c := range all {
		if seen[c.name]++; seen[c.name] > 1 {
			c.name = fmt.Sprintf("%s-%d", c.name, seen[c.name])
		}
	}
	return all
}

// claimable reports whether an option may stand in a claim: a share only if the
// server is kept to it, and a GPU only if the server need not be told about it.
func (a *planAnswer) claimable(o *planOption) bool {
	return o.Fits && !o.AsFloat16 && (o.Form != formShare || o.ShareUtilisation == 0 || a.launch.Utilisation > 0)
}

func alternativeOf(o *planOption) *alternative {
	c := &alternative{name: "whole", class: classWhole, gpus: o.GPUs, slices: []slicesOf{{o.Profile, []string{o.Product}}}, about: []string{o.GPU}}
	switch o.Form {
	case formMIG:
		c.class, c.name = classMIG, "mig-"+strings.ReplaceAll(o.Profile, ".", "-")
		c.about[0] = o.offer.name()
	case formShare:
		c.class, c.memory = classShare, topology.Bytes(o.ShareBytes)
		c.name = fmt.Sprintf("share-%dgi", c.memory/topology.GiB)
	}
	if o.MicroDollars != nil {
		c.about[0] += " " + dollars(o.MicroDollars)
	}
	return c
}

// alike reports whether both are had in the same form.
func (c *alternative) alike(other *alternative) bool {
	return c.class == other.class && c.memory == other.memory && c.slices[0].profile == other.slices[0].profile
}

// take adds the GPUs of another.
func (c *alternative) take(other *alternative) {
	c.about = append(c.about, other.about...)
	for _, added := range other.slices {
		i := slices.IndexFunc(c.slices, func(s slicesOf) bool { return s.profile == added.profile })
		if i < 0 {
			c.slices = append(c.slices, added)
			continue
		}
		c.slices[i].products = append(c.slices[i].products, added.products...)
	}
}

// claimName makes a Kubernetes name of the model's.
func (a *planAnswer) claimName() string {
	var name strings.Builder
	for _, r := range strings.ToLower(path.Base(a.Model)) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			name.WriteRune(r)
		} else if name.Len() > 0 && !strings.HasSuffix(name.String(), "-") {
			name.WriteByte('-')
		}
	}
	const longest = 52 // room for what controllers append
	text := strings.Trim(name.String()[:min(name.Len(), longest)], "-")
	if text == "" {
		return "model"
	}
	return text
}

// engineArguments are what engines call the settings that a claim is sized for.
var engineArguments = map[memory.Engine]struct{ length, tensor, share string }{
	memory.VLLM:        {"--max-model-len", "--tensor-parallel-size", "--gpu-memory-utilization"},
	memory.SGLang:      {"--context-length", "--tp-size", "--mem-fraction-static"},
	memory.TGI:         {"--max-total-tokens", "--num-shard", "--cuda-memory-fraction"},
	memory.TensorRTLLM: {"--max_seq_len", "--tp_size", "--kv_cache_free_gpu_memory_fraction"},
}

// arguments are those of the engine that the sizes hold for.
func (a *planAnswer) arguments(gpus int64) string {
	names, known := engineArguments[memory.Engine(a.Engine)]
	if !known {
		return ""
	}
	var words []string
	if a.launch.MaxModelLen > 0 {
		words = append(words, fmt.Sprintf("%s=%d", names.length, a.launch.MaxModelLen))
	}
	if stages := max(1, a.launch.PipelineParallel); gpus > stages {
		words = append(words, fmt.Sprintf("%s=%d", names.tensor, gpus/stages))
	}
	if a.launch.Utilisation > 0 {
		words = append(words, fmt.Sprintf("%s=%.2f", names.share, a.launch.Utilisation))
	}
	return strings.Join(words, " ")
}

// oneLine keeps text from ending a comment.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, text)
}
