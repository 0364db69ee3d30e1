package report

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator"
)

// nodeSet is the nodes of a map; runs on the same cluster share one.
type nodeSet struct {
	Names   []string `json:"names"`
	Domains []int64  `json:"domains"`
	// Models are GPU models, Slices how many MIG memory slices a GPU of each has, 0
	// without MIG.
	Models []string `json:"models"`
	Slices []int64  `json:"slices"`
	// Kinds are the different makes of nodes: the model of each GPU. Kind is each
	// node's.
	Kinds [][]int `json:"kinds"`
	Kind  []int   `json:"kind"`
}

// heldOver is what the nodes of a run held over time.
type heldOver struct {
	Name string `json:"name"`
	Seed int64  `json:"seed"`
	// Nodes is an index into data.Nodes, Classes says which of data.Classes each class
	// of the run is.
	Nodes   int      `json:"nodes"`
	Classes []int    `json:"classes"`
	Times   []int64  `json:"times"`
	Words   []string `json:"words"`
	// Frames is base64 of DEFLATE (RFC 1951) of all frames: the number of changes, then
	// for each how many slots further it is than the one before and its word, as varints.
	// A node has a slot for its state, then one for each GPU. A slot begins as word 0.
	Frames string `json:"frames"`
}

// addMaps adds the first run of each policy that has frames.
func (p *reportPage) addMaps(policies []policyRuns) error {
	classes := classesOf(policies)
	index := map[string]int{}
	for i, name := range classes {
		index[name] = i
		p.Data.Classes = append(p.Data.Classes, className(name))
	}
	sets := map[string]int{}
	for i := range policies {
		for k := range policies[i].runs {
			run := &policies[i].runs[k]
			if run.Result == nil || len(run.Result.Snapshots) == 0 || len(run.Result.Nodes) == 0 {
				continue
			}
			held, err := encodeStates(run.Result)
			if err != nil {
				return fmt.Errorf("map of %s, seed %d: %w", policies[i].Name, run.Seed, err)
			}
			held.Name, held.Seed = policies[i].Name, run.Seed
			for c := range run.Result.Classes {
				held.Classes = append(held.Classes, index[run.Result.Classes[c].Name])
			}
			key := fmt.Sprintf("%#v", run.Result.Nodes)
			set, found := sets[key]
			if !found {
				set = len(p.Data.Nodes)
				sets[key] = set
				p.Data.Nodes = append(p.Data.Nodes, nodesOf(run.Result))
			}
			held.Nodes = set
			p.Data.Maps = append(p.Data.Maps, *held)
			if shown := shownGPUs(run.Result); shown < run.Result.GPUs {
				p.MapIsExcerpt = fmt.Sprintf("The map has the first %s of the cluster, with %s of its %s GPUs.",
					countNoun(int64(len(run.Result.Nodes)), "node", "nodes"), pageWhole(float64(shown)), pageWhole(float64(run.Result.GPUs)))
			}
			break
		}
	}
	p.Map = len(p.Data.Maps) > 0
	p.Data.Beside = mapBeside(p.Data.Maps, policies)
	return nil
}

// mapBeside is the map of the variant that the verdict names best, or else the second.
func mapBeside(maps []heldOver, policies []policyRuns) int {
	variants := verdictVariants(policies)
	if len(variants) > 1 {
		best := variants[bestVariant(variants)].Name
		for i := range maps {
			if i > 0 && maps[i].Name == best {
				return i
			}
		}
	}
	return min(1, max(0, len(maps)-1))
}

func shownGPUs(r *simulator.Result) int64 {
	gpus := int64(0)
	for i := range r.Nodes {
		gpus += int64(len(r.Nodes[i].Models))
	}
	return gpus
}

func nodesOf(r *simulator.Result) nodeSet {
	var set nodeSet
	type gpuModel struct {
		name   string
		slices int64
	}
	models, kinds := map[gpuModel]int{}, map[string]int{}
	for i := range r.Nodes {
		node := &r.Nodes[i]
		set.Names, set.Domains = append(set.Names, clipName(node.Name)), append(set.Domains, node.Domain)
		key := fmt.Sprintf("%#v %v", node.Models, node.MemorySlices)
		kind, found := kinds[key]
		if !found {
			kind = len(set.Kinds)
			kinds[key] = kind
			gpus := []int{}
			for i, name := range node.Models {
				made := gpuModel{name: name}
				if i < len(node.MemorySlices) {
					made.slices = node.MemorySlices[i]
				}
				model, found := models[made]
				if !found {
					model = len(set.Models)
					models[made] = model
					set.Models, set.Slices = append(set.Models, clipName(name)), append(set.Slices, made.slices)
				}
				gpus = append(gpus, model)
			}
			set.Kinds = append(set.Kinds, gpus)
		}
		set.Kind = append(set.Kind, kind)
	}
	return set
}

const (
	wordFree = "-"
	wordDown = "x"
)

// encodeStates turns frames into slots and words.
func encodeStates(r *simulator.Result) (*heldOver, error) {
	first := make([]int, len(r.Nodes)+1) // slot of each node
	for i := range r.Nodes {
		first[i+1] = first[i] + 1 + len(r.Nodes[i].Models)
	}
	now := make([]string, first[len(r.Nodes)])
	for i := range now {
		now[i] = wordFree
	}
	type change struct {
		slot int
		word string
	}
	frames := make([][]change, len(r.Snapshots))
	uses := map[string]int{}
	for f := range r.Snapshots {
		changed := map[int]string{}
		for _, tile := range r.Snapshots[f].Views {
			if tile.Node < 0 || tile.Node >= len(r.Nodes) {
				return nil, fmt.Errorf("frame %d has node %d of %d", f, tile.Node, len(r.Nodes))
			}
			words, err := wordsOf(tile.GPUs, len(r.Nodes[tile.Node].Models))
			if err != nil {
				return nil, fmt.Errorf("frame %d, node %s: %w", f, clipName(r.Nodes[tile.Node].Name), err)
			}
			for k, word := range words {
				slot := first[tile.Node] + k
				if now[slot] != word {
					now[slot], changed[slot] = word, word
				}
			}
		}
		for _, slot := range slices.Sorted(maps.Keys(changed)) {
			frames[f] = append(frames[f], change{slot, changed[slot]})
			uses[changed[slot]]++
		}
	}
	delete(uses, wordFree)
	words := slices.SortedFunc(maps.Keys(uses), func(a, b string) int {
		return cmp.Or(cmp.Compare(uses[b], uses[a]), strings.Compare(a, b))
	})
	words = slices.Insert(words, 0, wordFree)
	number := map[string]uint64{}
	for i, word := range words {
		number[word] = uint64(i)
	}
	held := &heldOver{Words: words, Classes: []int{}}
	var raw []byte
	for f := range frames {
		held.Times = append(held.Times, int64(r.Snapshots[f].At))
		raw = binary.AppendUvarint(raw, uint64(len(frames[f])))
		next := 0
		for _, c := range frames[f] {
			raw = binary.AppendUvarint(raw, uint64(c.slot-next))
			raw = binary.AppendUvarint(raw, number[c.word])
			next = c.slot + 1
		}
	}
	var packed bytes.Buffer
	writer, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(raw); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	held.Frames = base64.StdEncoding.EncodeToString(packed.Bytes())
	return held, nil
}

// wordsOf splits the text of a tile into the node's state and a word for each GPU.
func wordsOf(text string, gpus int) ([]string, error) {
	words := make([]string, 1+gpus)
	for i := range words {
		words[i] = wordFree
	}
	if text == wordDown {
		words[0] = wordDown
		return words, nil
	}
	text, draining := strings.CutPrefix(text, "d ")
	state := ""
	if draining {
		state = "d"
	}
	switch parts := strings.Fields(text); {
	case gpus == 0 && len(parts) == 1 && parts[0][0] == 'j':
		if _, err := strconv.ParseUint(parts[0][1:], 10, 32); err != nil {
			return nil, fmt.Errorf("%q is no number of jobs", clipName(text))
		}
		state += parts[0]
	case gpus > 0 && len(parts) == gpus:
		for i, word := range parts {
			if !strings.Contains("-wms", word[:1]) || strings.Trim(word[1:], "0123456789:=,") != "" {
				return nil, fmt.Errorf("%q is nothing that a GPU can hold", clipName(word))
			}
			words[1+i] = word
		}
	default:
		return nil, fmt.Errorf("%q does not describe %d GPUs", clipName(text), gpus)
	}
	if state != "" {
		words[0] = state
	}
	return words, nil
}
