package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

var (
	mebibytes = regexp.MustCompile(`(\d{4,6}) ?MiB`)
	// before and after a GPU's name: how many there are.
	before = regexp.MustCompile(`(?i)^\s*(\d+)\s*(?:[x×*]\s*|\s)`)
	after  = regexp.MustCompile(`(?i)[\s(]+[x×*]\s*(\d+)\)?\s*$`)
	// profile is of MIG: "3g.40gb".
	profile = regexp.MustCompile(`(?i)\b(\d)g[.-](\d+)gb(\+\S*)?`)
	remark  = regexp.MustCompile(`\(.*?\)|\b\d+ ?Mi?B\b`)
	nominal = regexp.MustCompile(`(?i)(?:^|[^\w.])(\d+) ?Gi?B?\b`)
	// bare is a number that can only be gigabytes: "A100-80".
	bare = regexp.MustCompile(`[- ](16|24|32|40|48|64|80|94|96|141|144|180|192)\b`)
	// form is words for how a GPU is built in, which memory does not depend on.
	form = regexp.MustCompile(`^(sxm\d?|pcie|hbm\d?e?|nvl)$`)
)

// gpuOf is the GPU of a row, by its total memory as logged or as the catalogue has it.
func gpuOf(in csvRow) (memory.GPU, error) {
	name := in["gpu"]
	found := catalogueGPU(name)
	sliceOf := profile.FindStringSubmatch(name)
	if total := in.numberAt("gpu_total_gib_torch"); total > 0 {
		gpu := memory.GPU{Name: name, Total: topology.Bytes(total * float64(topology.GiB))}
		if found != nil {
			gpu.Compute = found.Compute
		}
		return gpu, nil
	}
	if found != nil && sliceOf != nil {
		p := profileOf(found, sliceOf)
		if p == nil {
			return memory.GPU{}, fmt.Errorf("GPU %q: the catalogue has no MIG profile %s of %s", name, sliceOf[0], found.Name)
		}
		return memory.MIGSlice(found, p.Name, p.Memory), nil
	}
	if found != nil {
		return memory.WholeGPU(found), nil
	}
	if match := mebibytes.FindStringSubmatch(name); match != nil {
		mib, _ := strconv.ParseInt(match[1], 10, 64)
		return memory.GPU{Name: name, Total: topology.Bytes(mib)*topology.MiB - 500*topology.MiB}, nil
	}
	if name == "" {
		return memory.GPU{}, errors.New("the row names no GPU")
	}
	return memory.GPU{}, fmt.Errorf("GPU %q is not in the catalogue, and the row has no gpu_total_gib_torch", name)
}

// profileOf finds a MIG profile, by its compute slices where drivers round its memory
// differently: 3g.40gb and 3g.39gb are one.
func profileOf(m *topology.Model, match []string) *mig.Profile {
	table, err := gpus.MIG(m.MIG)
	if err != nil {
		return nil
	}
	slices, _ := strconv.ParseInt(match[1], 10, 64)
	gigabytes, _ := strconv.ParseInt(match[2], 10, 64)
	for i := range table.Profiles {
		p := &table.Profiles[i]
		near := topology.Bytes(gigabytes) * topology.GiB
		if p.ComputeSlices == slices && p.Memory > near*8/10 && p.Memory < near*12/10 {
			return p
		}
	}
	return nil
}

// gpuCount is how many GPUs a cell names, 0 if it does not say: "4x L4", "A100 x8".
func gpuCount(cell string) int64 {
	for _, place := range []*regexp.Regexp{before, after} {
		if match := place.FindStringSubmatch(cell); match != nil && (place == after || strings.ContainsAny(match[0], "xX×*")) {
			count, _ := strconv.ParseInt(match[1], 10, 64)
			return count
		}
	}
	return 0
}

// catalogueGPU finds the GPU that a name such as "H100-80GB", "A100 SXM 80GB x8" or "RTX
// 4090" stands for: the smallest whose key and product have all of the name's words, its
// memory aside.
func catalogueGPU(name string) *topology.Model {
	name = strings.Split(name, " + ")[0]
	if m, known := gpus.ModelByProduct(strings.TrimSpace(name)); known {
		return m
	}
	if gpuCount(name) > 0 {
		name = after.ReplaceAllString(before.ReplaceAllString(name, ""), "")
	}
	name = strings.ReplaceAll(profile.ReplaceAllString(name, " "), "MIG", " ")
	short := remark.ReplaceAllString(name, " ")
	gigabytes := int64(0)
	// A remark's gigabytes are the GPU's only if nothing else is said there: "(80GB)".
	for _, text := range []string{short, name} {
		if match := nominal.FindStringSubmatch(text); match != nil && gigabytes == 0 {
			gigabytes, _ = strconv.ParseInt(match[1], 10, 64)
		}
	}
	short = nominal.ReplaceAllString(short, " ")
	if m := withWords(short, gigabytes, false); m != nil {
		return m
	}
	if match := bare.FindStringSubmatch(short); match != nil && gigabytes == 0 {
		gigabytes, _ = strconv.ParseInt(match[1], 10, 64)
		short = bare.ReplaceAllString(short, " ")
	}
	if m := withWords(short, gigabytes, false); m != nil {
		return m
	}
	return withWords(short, gigabytes, true)
}

// withWords is the smallest GPU that has the words; anyForm overlooks how it is built in.
func withWords(name string, gigabytes int64, anyForm bool) *topology.Model {
	words := slices.DeleteFunc(splitName(name), func(word string) bool { return decorations[word] || anyForm && form.MatchString(word) })
	var best *topology.Model
	for _, m := range gpus.Models() {
		parts := splitName(m.Name + " " + m.Product)
		matches := len(words) > 0 && !slices.ContainsFunc(words, func(word string) bool { return !isPart(parts, word) })
		near := gigabytes == 0 || int64(m.Memory/topology.GiB) >= gigabytes*9/10 && int64(m.Memory/topology.GiB) <= gigabytes*11/10
		if matches && near && m.Memory > 0 && (best == nil || m.Memory < best.Memory) {
			best = m
		}
	}
	return best
}

func splitName(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune(" -_/,;:[]()", r) })
}

// isPart reports whether a word is among the parts of a name; SXM stands for SXM5.
func isPart(parts []string, word string) bool {
	return slices.Contains(parts, word) ||
		word == "sxm" && slices.ContainsFunc(parts, func(part string) bool { return strings.HasPrefix(part, word) })
}

// decorations are words of names that do not tell GPUs apart.
var decorations = map[string]bool{
	"nvidia": true, "tesla": true, "geforce": true, "d": true, "hami": true, "slice": true, "blackwell": true, "class": true,
	"gpu": true, "gpus": true, "tensor": true, "core": true, "ampere": true, "hopper": true, "turing": true, "each": true,
}

var gpus = mustLoad()

func mustLoad() *catalogue.Catalogue {
	c, err := catalogue.LoadFS()
	if err != nil {
		panic(err) // embedded and tested
	}
	return c
}
