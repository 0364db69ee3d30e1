package main

import (
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
	"github.com/ashlar-dev/ashlar/test/cluster"
)

// benchmarkOptions say what is measured.
type benchmarkOptions struct {
	sizes, inProcess, gang []workload.Size
	forms                  []workload.Form
	pods, rounds, gangPods int
	limit                  time.Duration
	// against is an earlier version of Kubernetes, "" for none.
	against string

	devicePlugin            bool
	pluginNodes, pluginPods int

	json   bool
	readme string
	// headline is the file whose headline is written too, "" for none.
	headline string
	// from is a file with a report; nothing is measured then.
	from string
}

// optionWords are flags that are read further.
type optionWords struct {
	sizes, inProcess, gang, forms, output string
}

// readWords completes the options. given are the flags that the command line has, rest what it
// has behind them.
func (o *benchmarkOptions) readWords(words optionWords, given map[string]bool, rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("unknown argument %q: see --help", rest[0])
	}
	for flag, value := range map[string]int{"pods": o.pods, "rounds": o.rounds, "gang-pods": o.gangPods} {
		if value < 1 {
			return fmt.Errorf("--%s %d: want a positive number", flag, value)
		}
	}
	if o.pods < 2 || o.gangPods < 2 {
		return fmt.Errorf("--pods %d --gang-pods %d: a rate needs two pods", o.pods, o.gangPods)
	}
	if o.limit <= 0 {
		return fmt.Errorf("--limit %s: want a positive duration", o.limit)
	}
	if o.against != "" && o.against != cluster.EarlierKubernetesVersion {
		return fmt.Errorf("--against %s: only %s is built here", o.against, cluster.EarlierKubernetesVersion)
	}
	if o.against != "" && o.devicePlugin {
		return fmt.Errorf("--against and --device-plugin are measured one at a time")
	}
	switch words.output {
	case "table", "json":
		o.json = words.output == "json"
	default:
		return fmt.Errorf("-o %s: want table or json", words.output)
	}
	some := given["sizes"] || given["in-process"] || given["gang"]
	for _, list := range []struct {
		flag, value string
		sizes       *[]workload.Size
	}{{"sizes", words.sizes, &o.sizes}, {"in-process", words.inProcess, &o.inProcess}, {"gang", words.gang, &o.gang}} {
		if some && !given[list.flag] {
			continue
		}
		sizes, err := workload.ParseSizes(list.value)
		if err != nil {
			return fmt.Errorf("--%s: %w", list.flag, err)
		}
		*list.sizes = sizes
	}
	for _, size := range o.gang {
		if o.gangPods > size.Nodes*workload.GPUs {
			return fmt.Errorf("--gang %s: %d nodes have %d GPUs, less than %d pods need", size, size.Nodes, size.Nodes*workload.GPUs, o.gangPods)
		}
	}
	if o.against != "" && len(o.sizes) == 0 {
		return fmt.Errorf("--against %s: want a cluster in --sizes", o.against)
	}
	forms, err := workload.ParseForms(words.forms)
	if err != nil {
		return fmt.Errorf("--forms: %w", err)
	}
	o.forms = forms
	return nil
}

// podsAt is how many pods are bound at a time in a cluster: one for every second GPU at most,
// so that the last find room as the first do.
func (o *benchmarkOptions) podsAt(size workload.Size) int {
	return min(o.pods, size.Nodes*workload.GPUs/2)
}

// formsAt are the other forms that are measured at the size of that place in the list.
func (o *benchmarkOptions) formsAt(place int) []workload.Form {
	if place > 0 || o.sizes[place].Devices != 160 {
		return nil
	}
	return o.forms
}

// roundsAt is how often the size of that place in the list is measured.
func (o *benchmarkOptions) roundsAt(place int) int {
	if place > 0 {
		return 1
	}
	return o.rounds
}
