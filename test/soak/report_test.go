package soak

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// tally counts what was done. It is safe for concurrent use where faults run beside the stream.
type tally struct {
	mutex sync.Mutex
	done  map[string]int
	noted []violation

	forms  map[string]int
	formOf map[string]string // by arrival
	gangs  map[string]gangSize
	// deleted are the pods that the test has deleted.
	deleted map[string]bool
	rests   int
	probes  int
	// memory are samples of the scheduler's memory.
	memory []memorySample
}

// gangSize is how many members a gang has, and how many it needs.
type gangSize struct{ members, needed int }

// memorySample is the scheduler's memory at one moment of the stream.
type memorySample struct {
	percent   int // of the stream
	mebibytes int64
	age       time.Duration // of the process
}

func newTally() *tally {
	return &tally{
		done: map[string]int{}, forms: map[string]int{}, formOf: map[string]string{}, gangs: map[string]gangSize{}, deleted: map[string]bool{},
	}
}

func (t *tally) count(what string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.done[what]++
}

func (t *tally) note(v violation) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.noted = append(t.noted, v)
}

func (t *tally) noteDeleted(pod string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.deleted[pod] = true
}

func (t *tally) addArrival(a *arrival) {
	t.forms[a.form] += len(a.pods)
	t.formOf[a.name] = a.form
	if a.group != nil {
		t.gangs[a.name] = gangSize{len(a.pods), a.needed}
	}
}

func (t *tally) sampleMemory(r *schedulerRunner, arrived, pods int) {
	if mebibytes, age, err := r.resident(); err == nil {
		t.memory = append(t.memory, memorySample{arrived * 100 / pods, mebibytes, age})
	}
}

// growthLimit is by how much the median of the scheduler's memory may grow between the
// first and the second half of the calm part of the stream, and slack by how much at any rate: Go
// gives memory back late.
const (
	growthLimit = 1.25
	slack       = 48 // MiB
)

// checkMemory compares the halves of the part of the stream in which nothing was killed.
func (t *tally) checkMemory() (violation, bool) {
	var halves [2][]int64
	for _, sample := range t.memory {
		switch {
		case sample.percent < calmFrom+10 || sample.age < 5*time.Second: // it warms up
		case sample.percent < (calmFrom+110)/2:
			halves[0] = append(halves[0], sample.mebibytes)
		default:
			halves[1] = append(halves[1], sample.mebibytes)
		}
	}
	before, after := medianOf(halves[0]), medianOf(halves[1])
	if before == 0 || float64(after) <= float64(before)*growthLimit+slack {
		return violation{}, false
	}
	return violation{memoryGrows, fmt.Sprintf("from %d to %d MiB", before, after)}, true
}

func medianOf(list []int64) int64 {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// quarters are the most that the scheduler took in each quarter of the stream.
func (t *tally) quarters() [4]int64 {
	var most [4]int64
	for _, sample := range t.memory {
		quarter := min(sample.percent/25, 3)
		most[quarter] = max(most[quarter], sample.mebibytes)
	}
	return most
}

// report prints what was done and found, and fails the test for what was.
func (w *world) report(replayed *checker) {
	w.history.mutex.Lock()
	defer w.history.mutex.Unlock()
	w.lost()
	found := map[string][]violation{}
	for _, v := range slices.Concat(w.problems, replayed.found, w.tally.noted) {
		if !slices.Contains(found[v.what], v) {
			found[v.what] = append(found[v.what], v)
		}
	}
	var table strings.Builder
	line := func(name string, value any) { fmt.Fprintf(&table, "  %-52s %v\n", name, value) }
	fmt.Fprintf(&table, "\nseed %d, %s\ncreated, pods\n", *seed, time.Since(w.begin).Round(time.Second))
	for _, form := range slices.Sorted(maps.Keys(w.tally.forms)) {
		line(form, w.tally.forms[form])
	}
	table.WriteString("done\n")
	for _, what := range slices.Sorted(maps.Keys(w.tally.done)) {
		line(what, w.tally.done[what])
	}
	line("scheduler started", w.scheduler.starts)
	ends := map[string]int{}
	for name, pod := range w.history.last {
		switch {
		case pod.disrupted != "":
			ends["ended by others: "+pod.disrupted]++
		case w.history.bound[name]:
			ends["bound"]++
		default:
			ends["never bound"]++
		}
	}
	for _, what := range slices.Sorted(maps.Keys(ends)) {
		line("pods "+what, ends[what])
	}
	line("most memory of the scheduler by quarter, MiB", fmt.Sprint(w.tally.quarters()))
	fmt.Fprintf(&table, "found, in %d changes with %d checks\n", len(w.history.changes), replayed.checks)
	for _, what := range violations {
		line(what, len(found[what]))
	}
	w.t.Log(table.String())
	const shown = 10
	for _, what := range violations {
		for i, v := range found[what] {
			if i == shown {
				w.t.Errorf("... and %d more", len(found[what])-shown)
				break
			}
			w.t.Errorf("%s", v)
		}
	}
}

// lost holds that every pod that has gone was deleted by the test, or says who has ended it.
func (w *world) lost() {
	for _, name := range slices.Sorted(maps.Keys(w.history.last)) {
		pod := w.history.last[name]
		if w.history.pods[name] == nil && !w.tally.deleted[name] && pod.disrupted == "" {
			w.problem(podsLost, "%s of %s, which was on node %q", name, w.tally.formOf[jobOf(name)], pod.node)
		}
	}
	for job, form := range w.tally.formOf {
		if w.history.last[job+"-0"] == nil {
			w.problem(podsLost, "%s of %s was created and never seen", job, form)
		}
	}
}
