package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator"
)

// VerdictSentences says in sentences what the runs show to the person who pays: which variant is best,
// then what each does that differs from the first beyond chance. Runs of one name are told
// apart by their seeds, as in Write. It is empty for fewer than two variants with results.
func VerdictSentences(runs []Run) []string {
	grouped, err := byName(runs)
	if err != nil {
		return nil
	}
	variants := verdictVariants(grouped)
	if len(variants) < 2 {
		return nil
	}
	best := bestVariant(variants)
	first := &variants[0]
	var sentences []string
	switch {
	case best > 0:
		sentences = append(sentences, "Best for the person who pays: "+variants[best].Name+". "+variants[best].sentenceAgainst(first))
	case slices.ContainsFunc(variants[1:], func(v verdictVariant) bool { return first.isBetterThan(&v) }):
		names := []string{first.Name}
		for i := 1; i < len(variants); i++ {
			if !first.isBetterThan(&variants[i]) {
				names = append(names, variants[i].Name)
			}
		}
		sentences = append(sentences, "Best for the person who pays: "+joinNames(names)+".")
	default:
		sentences = append(sentences,
			"None is better for the person who pays: jobs served, money and waits do not differ"+first.beyondChance()+".")
	}
	for i := 1; i < len(variants); i++ {
		if i != best {
			sentences = append(sentences, variants[i].sentenceAgainst(first))
		}
	}
	if first.seedCount() == 1 {
		sentences = append(sentences, "One draw of the arrivals: ashlar simulate compare repeats it over seeds and says what is chance.")
	}
	return sentences
}

// joinNames lists names that fare alike.
func joinNames(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last] + " alike"
}

// bestVariant is the first of those that none is better than.
func bestVariant(variants []verdictVariant) int {
	best := 0
	for i := 1; i < len(variants); i++ {
		if variants[i].isBetterThan(&variants[best]) {
			best = i
		}
	}
	return best
}

// VerdictCard is one figure of the best variant beside that of the first.
type VerdictCard struct{ Value, Words string }

// verdictCards are the figures by which who pays tells the best variant from the first, or the
// first from the one it beats; at most three.
func verdictCards(grouped []policyRuns) []VerdictCard {
	variants := verdictVariants(grouped)
	if len(variants) < 2 {
		return nil
	}
	best, other := bestVariant(variants), 0
	for i := 1; best == 0 && i < len(variants); i++ {
		if variants[0].isBetterThan(&variants[i]) {
			other = i
			break
		}
	}
	if best == other {
		return nil
	}
	unserved := verdictFigures[0].tellingDifference(&variants[best], &variants[other])
	var cards []VerdictCard
	for i := range verdictFigures {
		f := &verdictFigures[i]
		difference := f.tellingDifference(&variants[best], &variants[other])
		if difference == 0 || difference > 0 == f.less || f.sameJobs && unserved != 0 {
			continue
		}
		value, reference := meanValue(variants[best].figuresOf(f.read)), meanValue(variants[other].figuresOf(f.read))
		words := strings.TrimSpace(strings.Replace(f.words, "%s", "", 1))
		cards = append(cards, VerdictCard{f.format(value), fmt.Sprintf("%s, %s; %s: %s%s",
			words, variants[best].Name, variants[other].Name, f.format(reference), percentMore(value, reference))})
		if len(cards) == 3 {
			break
		}
	}
	return cards
}

// verdictVariant is the runs of a variant that a verdict looks at, in the order of seeds.
type verdictVariant struct {
	policyRuns
	results []*simulator.Result
}

// verdictVariants are the variants that have a result for each seed that the first has.
func verdictVariants(grouped []policyRuns) []verdictVariant {
	var variants []verdictVariant
	for i := range grouped {
		v := verdictVariant{policyRuns: grouped[i], results: grouped[i].runResults()}
		if len(v.results) > 0 && (len(variants) == 0 || len(v.results) == len(variants[0].results)) {
			variants = append(variants, v)
		}
	}
	return variants
}

func (v *verdictVariant) seedCount() int { return len(v.results) }

// beyondChance qualifies what several seeds do not show.
func (v *verdictVariant) beyondChance() string {
	if v.seedCount() == 1 {
		return ""
	}
	return " beyond chance"
}

// figuresOf are a figure's values over the seeds, not a number where a run has none.
func (v *verdictVariant) figuresOf(read func(*simulator.Result) float64) []float64 {
	values := make([]float64, len(v.results))
	for i, r := range v.results {
		values[i] = read(r)
	}
	return values
}

// verdictFigure is a figure that a verdict speaks of.
type verdictFigure struct {
	read func(*simulator.Result) float64
	// least is the part of the larger value from which on one draw shows a difference.
	least float64
	// words are what a value is of, with %s for it, and format is how it is printed.
	words  string
	format func(float64) string
	// pays says that who pays goes by it, in the order of the list; less that less of it is better.
	pays, less bool
	// sameJobs says that it compares variants that serve the same jobs.
	sameJobs bool
}

func servedOf(r *simulator.Result) float64 { return float64(r.Jobs.Finished + r.Jobs.Running) }

func unservedOf(r *simulator.Result) float64 { return float64(r.Jobs.Failed + r.Jobs.Waiting) }

func arrivedOf(r *simulator.Result) float64 { return float64(r.Jobs.Arrived) }

// phraseOf words the values of a variant and of the first.
func (f *verdictFigure) phraseOf(value, first float64) string {
	return fmt.Sprintf(f.words, f.format(value)) + " instead of " + f.format(first) + percentMore(value, first)
}

func exactDollars(v float64) string { return fmt.Sprintf("$%.2f", v) }

// percentMore is how much more or less a value is, "" where that cannot be said shortly.
func percentMore(value, first float64) string {
	if first == 0 || math.Abs(value-first) < 0.005*first || value > 10*first {
		return ""
	}
	return fmt.Sprintf(" (%+.0f %%)", 100*(value-first)/first)
}

// verdictFigures are those that a verdict speaks of, the weightiest first: jobs that are not
// served lead, and are worded as jobs served where as many arrived.
var verdictFigures = []verdictFigure{
	{read: unservedOf, pays: true, less: true, words: "%s jobs not served", format: plainWhole},
	{read: func(r *simulator.Result) float64 { return r.UsedDollarsPerHour }, least: 0.01, pays: true, less: true, sameJobs: true,
		words: "%s an hour", format: exactDollars},
	{read: func(r *simulator.Result) float64 { return r.UsedGPUs }, least: 0.01, pays: true, less: true, sameJobs: true,
		words: "%s GPUs in use", format: plainDecimal},
	{read: waitOf(func(w waitTimes) simulator.Time { return w.Mean }), least: 0.05, pays: true, less: true,
		words: "a mean wait of %s", format: PlainDuration},
	{read: waitOf(func(w waitTimes) simulator.Time { return w.P99 }), least: 0.1, less: true,
		words: "99 %% of the jobs placed within %s", format: PlainDuration},
	{read: failuresFor(simulator.OutOfMemory), least: 0.05, less: true, words: "%s jobs lost for want of memory", format: plainWhole},
	{read: func(r *simulator.Result) float64 { return float64(r.OutOfMemory) }, least: 0.05, less: true,
		words: "%s starts out of memory", format: plainWhole},
	{read: func(r *simulator.Result) float64 { return float64(r.CrashedWith) }, least: 0.05, less: true,
		words: "%s jobs ended by another's error", format: plainWhole},
	{read: func(r *simulator.Result) float64 { return r.LostGPUHours }, least: 0.05, less: true,
		words: "%s GPU hours of work lost", format: plainDecimal},
	{read: slowDownOf, least: 0.02, less: true, words: "work %s as long as alone", format: PlainTimes},
	{read: bandwidthPart, least: 0.02, words: "%s of the best bandwidth", format: PlainPart},
	{read: func(r *simulator.Result) float64 { return float64(r.Reslices) }, least: 0.05, less: true,
		words: "%s MIG layouts changed", format: plainWhole},
}

// tellingDifference compares a figure of two variants: by how much it differs, 0 if chance may have done
// it, or with one draw if it is less than the part of it that is worth a word.
func (f *verdictFigure) tellingDifference(v, first *verdictVariant) float64 {
	values, reference := v.figuresOf(f.read), first.figuresOf(f.read)
	d := DifferenceOf(values, reference)
	if math.IsNaN(d.Mean) || d.Pairs > 1 && !d.IsSignificant() {
		return 0
	}
	larger := max(math.Abs(meanValue(values)), math.Abs(meanValue(reference)))
	if f == &verdictFigures[0] { // one job in a hundred is worth a word
		larger, f = meanValue(first.figuresOf(arrivedOf)), &verdictFigure{least: 0.01}
	}
	if math.Abs(d.Mean) < f.leastPart(d.Pairs)*larger {
		return 0
	}
	return d.Mean
}

// leastPart is smaller where seeds tell chance apart.
func (f *verdictFigure) leastPart(pairs int) float64 {
	if pairs > 1 {
		return 0.001
	}
	return f.least
}

func meanValue(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(1, len(values)))
}

// isBetterThan reports whether who pays prefers the variant: more jobs served, or else less
// money or fewer GPUs for them, or else shorter waits.
func (v *verdictVariant) isBetterThan(other *verdictVariant) bool {
	for i := range verdictFigures {
		f := &verdictFigures[i]
		if !f.pays {
			continue
		}
		if difference := f.tellingDifference(v, other); difference != 0 {
			return difference > 0 != f.less
		}
	}
	return false
}

// maxPhrases is how many differences a sentence names.
const maxPhrases = 4

// sentenceAgainst says what the variant does that differs from the first.
func (v *verdictVariant) sentenceAgainst(first *verdictVariant) string {
	unserved := verdictFigures[0].tellingDifference(v, first)
	sameArrivals, same := v.figuresEqual(first, arrivedOf), ""
	if unserved == 0 && sameArrivals && v.figuresEqual(first, servedOf) {
		same = "the same " + plainWhole(meanValue(v.figuresOf(servedOf))) + " jobs served"
	}
	var phrases []string
	for i := range verdictFigures {
		f := &verdictFigures[i]
		difference := f.tellingDifference(v, first)
		if len(phrases) == maxPhrases || difference == 0 || f.sameJobs && difference*unserved < 0 {
			continue // less money for fewer jobs is no gain, nor is more for more a loss
		}
		if i == 0 && sameArrivals {
			f = &verdictFigure{read: servedOf, words: "%s jobs served", format: plainWhole}
		}
		value, reference := meanValue(v.figuresOf(f.read)), meanValue(first.figuresOf(f.read))
		if f.format(value) == f.format(reference) {
			continue // too little to be seen
		}
		phrases = append(phrases, f.phraseOf(value, reference))
	}
	switch {
	case len(phrases) == 0:
		return fmt.Sprintf("%s: no difference to %s%s.", v.Name, first.Name, v.beyondChance())
	case same != "":
		phrases = append([]string{same}, phrases...)
	}
	return fmt.Sprintf("%s against %s: %s.", v.Name, first.Name, strings.Join(phrases, ", "))
}

// figuresEqual reports whether a figure is the same in every run.
func (v *verdictVariant) figuresEqual(other *verdictVariant, read func(*simulator.Result) float64) bool {
	return slices.Equal(v.figuresOf(read), other.figuresOf(read))
}
