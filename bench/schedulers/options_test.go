package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
)

// What is measured: everything, or only the clusters that are named.
func TestParseOptions(t *testing.T) {
	type plan struct {
		Sizes, InProcess, Gang []string
		Forms                  int
	}
	for name, tc := range map[string]struct {
		arguments []string
		want      plan
		err       string
	}{
		"everything": {want: plan{
			Sizes: []string{"500x160", "2000x160", "500x16", "5000x16"}, InProcess: []string{"500x160", "5000x160"}, Gang: []string{"1000x160"},
			Forms: 5,
		}},
		"one size":           {arguments: []string{"--sizes", "500x160"}, want: plan{Sizes: []string{"500x160"}, Forms: 5}},
		"one size, one form": {arguments: []string{"--sizes", "50x160", "--forms", "mig"}, want: plan{Sizes: []string{"50x160"}, Forms: 1}},
		"in process and gang": {
			arguments: []string{"--in-process", "50x16", "--gang", "100x16"},
			want:      plan{InProcess: []string{"50x16"}, Gang: []string{"100x16"}, Forms: 5},
		},
		"a size":       {arguments: []string{"--gang", "many"}, err: `--gang: size "many": want nodes and devices of each, for example 500x160`},
		"a form":       {arguments: []string{"--forms", "x"}, err: `--forms: form "x": want some of template,extended,share,mig,first-available`},
		"a large gang": {arguments: []string{"--gang", "50x16"}, err: "--gang 50x16: 50 nodes have 400 GPUs, less than 512 pods need"},
		"one pod":      {arguments: []string{"--pods", "1"}, err: "--pods 1 --gang-pods 512: a rate needs two pods"},
		"no round":     {arguments: []string{"--rounds", "0"}, err: "--rounds 0: want a positive number"},
		"no time":      {arguments: []string{"--limit", "0s"}, err: "--limit 0s: want a positive duration"},
		"version":      {arguments: []string{"--against", "v1.35.0"}, err: "--against v1.35.0: only v1.36.4 is built here"},
		"both": {
			arguments: []string{"--against", "v1.36.4", "--device-plugin"}, err: "--against and --device-plugin are measured one at a time",
		},
		"against nothing": {
			arguments: []string{"--against", "v1.36.4", "--in-process", "50x16"}, err: "--against v1.36.4: want a cluster in --sizes",
		},
		"output": {arguments: []string{"-o", "yaml"}, err: "-o yaml: want table or json"},
		"rest":   {arguments: []string{"500x160"}, err: `unknown argument "500x160": see --help`},
	} {
		t.Run(name, func(t *testing.T) {
			options, err := parseOptions(tc.arguments)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != tc.err {
				t.Fatalf("error %q, want %q", text, tc.err)
			}
			if err != nil {
				return
			}
			got := plan{
				Sizes: sizeWords(options.sizes), InProcess: sizeWords(options.inProcess), Gang: sizeWords(options.gang), Forms: len(options.forms),
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func sizeWords(sizes []workload.Size) []string {
	var words []string
	for _, size := range sizes {
		words = append(words, size.String())
	}
	return words
}

// Small clusters get fewer pods, the first size alone several rounds and the other forms.
func TestPlanOfSizes(t *testing.T) {
	options, err := parseOptions([]string{"--sizes", "50x160,500x16"})
	if err != nil {
		t.Fatal(err)
	}
	type part struct{ Pods, Rounds, Forms int }
	var got []part
	for place, size := range options.sizes {
		got = append(got, part{options.podsAt(size), options.roundsAt(place), len(options.formsAt(place))})
	}
	if diff := cmp.Diff([]part{{200, 3, 5}, {1000, 1, 0}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
