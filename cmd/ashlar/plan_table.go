package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// maxRows is how many ways that fit are listed without --all.
const maxRows = 25

// writeSummary says what is asked and what it takes.
func (a *planAnswer) writeSummary(p *page) {
	if a.Object != "" {
		p.printf("%s\n", a.Object)
	}
	about := fmt.Sprintf("%s parameters, %s of weights", billions(a.Parameters), topology.Bytes(a.WeightBytes))
	if a.Quantisation != "" {
		about += " (" + a.Quantisation + ")"
	}
	if a.KVBytesPerToken > 0 {
		about += fmt.Sprintf(", %s of KV cache per token", topology.Bytes(a.KVBytesPerToken))
	}
	p.printf("%s: %s\n", a.Model, about)
	p.printf("asked: %s\n", a.question())
	if s := a.Smallest; s != nil {
		p.printf("smallest that fits: %s, which %s\n", s.takes(), a.needs())
	}
	for _, u := range a.Unknown {
		p.printf("%s: unknown, because %s\n", u.Field, u.Because)
	}
	for _, note := range a.Notes {
		p.printf("note: %s\n", note)
	}
}

// question is what was asked, in words.
func (a *planAnswer) question() string {
	engine := a.Engine + " " + a.EngineVersion
	if a.EngineVersion == "newest" {
		engine = a.Engine + ", newest release"
	}
	requests := "one request"
	if a.Concurrency > 1 {
		requests = fmt.Sprintf("%d requests at once", a.Concurrency)
	}
	if a.Context == 0 { // it looks at pictures
		return engine + ", " + requests
	}
	text := fmt.Sprintf("%s, %s of %d tokens", engine, requests, a.Context)
	if a.Context < a.MaxModelLen {
		text += fmt.Sprintf(", of up to %d tokens at most", a.MaxModelLen)
	}
	return text
}

func (a *planAnswer) needs() string {
	start, wanted := topology.Bytes(a.StartBytes), topology.Bytes(a.WantedBytes)
	each := ""
	if a.Smallest.GPUs > 1 {
		each = " on each"
	}
	if start == wanted {
		return fmt.Sprintf("needs %s%s", start, each)
	}
	return fmt.Sprintf("needs %s%s to start and %s for what is asked", start, each, wanted)
}

// billions is a number of parameters as model names have it.
func billions(n int64) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.2fB", float64(n)/1e9)
	}
	return fmt.Sprintf("%.0fM", float64(n)/1e6)
}

// takes names an option: "4 x H100-SXM5-80GB", "A30-24GB:2g.12gb", "18GiB of L4".
func (o *planOption) takes() string {
	switch {
	case o.Form == formShare:
		return fmt.Sprintf("%s of %s", topology.Bytes(o.ShareBytes), o.GPU)
	case o.Form == formMIG:
		return o.offer.name()
	case o.GPUs > 1:
		return fmt.Sprintf("%d x %s", o.GPUs, o.GPU)
	}
	return o.GPU
}

var planColumns = []string{"GPU", "TAKES", "WEIGHTS", "KV CACHE", "KV/TOKEN", "LONGEST", "AT ONCE", "$/HOUR", "FITS"}

func (o *planOption) row() []string {
	takes := fmt.Sprintf("%d x whole", o.GPUs)
	switch o.Form {
	case formMIG:
		takes = "MIG " + o.Profile
	case formShare:
		takes = "share " + topology.Bytes(o.ShareBytes).String()
	}
	row := []string{o.GPU, takes}
	if o.err != nil {
		return append(row, unknown, unknown, unknown, unknown, unknown, unknown, "no: "+o.Reason)
	}
	kv, each := max(0, topology.Bytes(o.KVBytes)).String(), topology.Bytes(o.KVBytesPerToken).String()
	if o.KVBytesPerToken == 0 && o.WantedKVBytes == 0 {
		kv, each = unknown, unknown // an encoder keeps none
	}
	return append(row,
		topology.Bytes(o.WeightBytes).String(), kv, each,
		strconv.FormatInt(o.LongestContext, 10), strconv.FormatInt(o.Concurrency, 10), dollars(o.MicroDollars), o.verdict())
}

func (o *planOption) verdict() string {
	switch {
	case o.Fits && o.Close:
		return "just about"
	case o.Fits && o.AsFloat16:
		return "as float16"
	case o.Fits && o.ShareUtilisation > 0:
		return fmt.Sprintf("at %.2f", o.ShareUtilisation)
	case o.Fits:
		return "yes"
	}
	return "no: " + o.Reason
}

// writeTable lists what fits, and below it, or in the table too with all, what does
// not.
func (a *planAnswer) writeTable(p *page, all bool) {
	rows := [][]string{planColumns}
	listed, left := 0, 0
	shared, converted := false, false
	for _, o := range a.shown(all) {
		if !o.Fits && !all {
			continue
		}
		if listed++; listed > maxRows && !all {
			left++
			continue
		}
		shared = shared || o.ShareUtilisation > 0
		converted = converted || o.Fits && o.AsFloat16
		rows = append(rows, o.row())
	}
	if listed > 0 {
		p.printf("\n")
		p.table(rows)
	}
	if left > 0 {
		p.printf("and %d more, dearer or without a price: --all lists them\n", left)
	}
	if shared {
		p.printf("at 0.30, ...: the %s to start the server with, so that it keeps to its share\n", a.shareFlag())
	}
	if converted {
		p.printf("as float16: the GPU has no bfloat16, which the server must be told with --dtype float16\n")
	}
	a.writeFewer(p)
	if !all {
		a.writeRefused(p)
	}
}

// shareFlag is what an engine calls its share of a GPU.
func (a *planAnswer) shareFlag() string {
	if a.Engine == "tgi" {
		return "--cuda-memory-fraction"
	}
	return "--gpu-memory-utilization"
}

// shown are the options of the table. Of GPUs that differ in nothing that matters
// here, and of the forms that one GPU can be had in, the best is enough: a GPU's
// smallest slice, its share, and the GPU.
func (a *planAnswer) shown(all bool) []*planOption {
	if all {
		return a.Options
	}
	type alike struct {
		form             string
		total, wanted    int64
		gpus, concurrent int64
	}
	seen := map[alike]bool{}
	sliced := map[string]bool{}
	var shown []*planOption
	for _, o := range a.Options {
		if !o.Fits {
			shown = append(shown, o)
			continue
		}
		key := alike{o.Form, o.TotalBytes, o.memory(), o.GPUs, o.Concurrency}
		if o.MicroDollars == nil && seen[key] || o.Form == formMIG && sliced[o.GPU] || a.fillsGPU(o) {
			continue
		}
		seen[key] = true
		sliced[o.GPU] = sliced[o.GPU] || o.Form == formMIG
		shown = append(shown, o)
	}
	return shown
}

// pageWidth is how wide text is that has no columns.
const pageWidth = 96

// writeFewer lists where half the GPUs would do for shorter requests. GPUs of one
// size need one example.
func (a *planAnswer) writeFewer(p *page) {
	var words []string
	seen := map[int64]bool{}
	for _, o := range a.Options {
		if o.FewerGPUs > 0 && !seen[o.TotalBytes] {
			seen[o.TotalBytes] = true
			words = append(words, fmt.Sprintf("%d x %s up to %d", o.FewerGPUs, o.GPU, o.FewerMaxModelLen))
		}
	}
	if len(words) == 0 {
		return
	}
	p.printf("\nwith a smaller --max-model-len, half the GPUs are enough:\n")
	for _, line := range wrapped(words, pageWidth-2) {
		p.printf("  %s\n", line)
	}
}

// writeRefused lists what does not fit by reason: GPUs by name, and slices by profile,
// since those of one name have about the same memory on every GPU.
func (a *planAnswer) writeRefused(p *page) {
	names := map[string][]string{}
	var reasons []string
	for _, o := range a.Options {
		if o.Fits || o.Form == formShare {
			continue
		}
		name := o.takes()
		var many *memory.TooManyGPUs
		switch {
		case o.Form == formMIG && errors.As(o.err, &many):
			name = "MIG of any profile"
		case o.Form == formMIG:
			name = "MIG " + o.Profile
		}
		if _, found := names[o.Reason]; !found {
			reasons = append(reasons, o.Reason)
		}
		if !slices.Contains(names[o.Reason], name) {
			names[o.Reason] = append(names[o.Reason], name)
		}
	}
	if len(reasons) == 0 {
		return
	}
	p.printf("\ndoes not fit:\n")
	for _, reason := range reasons {
		slices.SortFunc(names[reason], gpusFirst)
		p.printf("  %s:\n", reason)
		for _, line := range wrapped(names[reason], pageWidth-4) {
			p.printf("    %s\n", line)
		}
	}
}

func gpusFirst(a, b string) int {
	return cmp.Or(first(!strings.HasPrefix(a, "MIG "), !strings.HasPrefix(b, "MIG ")), cmp.Compare(a, b))
}

// wrapped joins words into lines of at most so many bytes.
func wrapped(words []string, width int) []string {
	var lines []string
	for i, word := range words {
		if i < len(words)-1 {
			word += ","
		}
		if last := len(lines) - 1; last >= 0 && len(lines[last])+1+len(word) <= width {
			lines[last] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}
