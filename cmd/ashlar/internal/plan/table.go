package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// maxRows is how many ways that fit are listed without --all.
const maxRows = 25

var planColumns = []string{"GPU", "TAKES", "WEIGHTS", "KV CACHE", "KV/TOKEN", "LONGEST", "AT ONCE", "$/HOUR", "FITS"}

// tableRow is an option in planColumns.
func tableRow(o *memoryplan.Option) []string {
	takes := fmt.Sprintf("%d x whole", o.GPUs)
	switch o.Form {
	case memoryplan.MIGForm:
		takes = "MIG " + o.Offer.Profile
	case memoryplan.ShareForm:
		takes = o.Share.Memory.ExactText()
	}
	row := []string{o.Offer.Model, takes}
	if o.Err != nil {
		return append(row, cli.Unknown, cli.Unknown, cli.Unknown, cli.Unknown, cli.Unknown, cli.Unknown, "no: "+o.Reason)
	}
	e := &o.Estimate
	kv, each := max(0, e.KV).String(), e.KVPerToken.String()
	if e.KVPerToken == 0 && e.Wanted == 0 {
		kv, each = cli.Unknown, cli.Unknown // an encoder keeps none
	}
	cost := cli.Unknown
	if o.Cost != nil {
		cost = o.Cost.String()
	}
	return append(row, e.WeightBytes().String(), kv, each,
		strconv.FormatInt(e.LongestContext, 10), strconv.FormatInt(e.Concurrency, 10), cost, verdictCell(o))
}

// verdictCell says whether an option fits.
func verdictCell(o *memoryplan.Option) string {
	switch {
	case o.Fits && o.Close:
		return "just about"
	case o.Fits && o.StateFloat16:
		return "as float16"
	case o.Fits && o.Share.Utilisation > 0:
		return fmt.Sprintf("at %.2f", o.Share.Utilisation)
	case o.Fits:
		return "yes"
	}
	return "no: " + o.Reason
}

// writeTable lists what fits, and below it, or in the table too with all, what does
// not.
func (a *serverAnswer) writeTable(p *cli.Page, all bool, counts map[string]modelCount) {
	a.writeCheapest(p)
	if a.Refusal != "" {
		return // on every GPU alike
	}
	rows := [][]string{planColumns}
	var options []*memoryplan.Option
	listed, left := 0, 0
	shared, converted := false, false
	for _, o := range a.shownOptions(all) {
		if !o.Fits && !all {
			continue
		}
		if listed++; listed > maxRows && !all {
			left++
			continue
		}
		shared = shared || o.Share.Utilisation > 0
		converted = converted || o.Fits && o.StateFloat16
		rows, options = append(rows, tableRow(o)), append(options, o)
	}
	if listed > 0 {
		p.Printf("\n")
		p.PrintTable(withFree(rows, options, counts))
	}
	if left > 0 {
		p.Printf("and %d more, dearer or without a price: --all lists them\n", left)
	}
	if shared {
		p.Printf("at 0.30, ...: the %s to start the server with, so that it keeps to its share\n", a.shareFlag())
	}
	if converted {
		p.Printf("as float16: the GPU has no bfloat16, which the server must be told with --dtype float16\n")
	}
	a.writeFewer(p)
	if !all {
		a.writeRefused(p)
	}
}

// shareFlag is what the engine calls its share of a GPU.
func (a *serverAnswer) shareFlag() string {
	name, _ := launch.ArgumentName(a.Request.Launch.Engine, launch.FieldUtilisation)
	return name
}

// shownOptions are the options of the table. Of GPUs that differ in nothing that matters
// here, and of the forms that one GPU can be had in, the best is enough: a GPU's
// smallest slice, its share, and the GPU.
func (a *serverAnswer) shownOptions(all bool) []*memoryplan.Option {
	if all {
		return a.Options
	}
	type alike struct {
		form             memoryplan.Form
		total, taken     topology.Bytes
		gpus, concurrent int64
	}
	seen := map[alike]bool{}
	sliced := map[string]bool{}
	var shown []*memoryplan.Option
	for _, o := range a.Options {
		if !o.Fits {
			shown = append(shown, o)
			continue
		}
		key := alike{o.Form, o.Offer.GPU.Total, o.MemoryPerGPU(), o.GPUs, o.Estimate.Concurrency}
		if o.Cost == nil && seen[key] || o.Form == memoryplan.MIGForm && sliced[o.Offer.Model] || a.FillsGPU(o) {
			continue
		}
		seen[key] = true
		sliced[o.Offer.Model] = sliced[o.Offer.Model] || o.Form == memoryplan.MIGForm
		shown = append(shown, o)
	}
	return shown
}

// writeFewer lists where half the GPUs would do for shorter requests. GPUs of one
// size need one example.
func (a *serverAnswer) writeFewer(p *cli.Page) {
	var words []string
	seen := map[topology.Bytes]bool{}
	for _, o := range a.Options {
		if o.FewerGPUs > 0 && !seen[o.Offer.GPU.Total] {
			seen[o.Offer.GPU.Total] = true
			words = append(words, fmt.Sprintf("%d x %s up to %d", o.FewerGPUs, o.Offer.Model, o.FewerMaxModelLen))
		}
	}
	if len(words) == 0 {
		return
	}
	p.Printf("\nwith a smaller --max-model-len, half the GPUs are enough:\n")
	for _, line := range cli.WrapList(words, cli.PageWidth-2) {
		p.Printf("  %s\n", line)
	}
}

// writeRefused lists what does not fit by reason: GPUs by name, and slices by profile,
// since those of one name have about the same memory on every GPU.
func (a *serverAnswer) writeRefused(p *cli.Page) {
	names := map[string][]string{}
	var reasons []string
	for _, o := range a.Options {
		if o.Fits || o.Form == memoryplan.ShareForm {
			continue
		}
		name := o.Title()
		var many *memory.TooManyGPUs
		switch {
		case o.Form == memoryplan.MIGForm && errors.As(o.Err, &many):
			name = "MIG of any profile"
		case o.Form == memoryplan.MIGForm:
			name = "MIG " + o.Offer.Profile
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
	p.Printf("\ndoes not fit:\n")
	for _, reason := range reasons {
		slices.SortFunc(names[reason], compareGPUsFirst)
		p.Printf("  %s:\n", reason)
		for _, line := range cli.WrapList(names[reason], cli.PageWidth-4) {
			p.Printf("    %s\n", line)
		}
	}
}

// compareGPUsFirst puts GPUs before slices.
func compareGPUsFirst(a, b string) int {
	const slice = "MIG "
	switch aIs, bIs := strings.HasPrefix(a, slice), strings.HasPrefix(b, slice); {
	case aIs == bIs:
		return cmp.Compare(a, b)
	case aIs:
		return 1
	}
	return -1
}
