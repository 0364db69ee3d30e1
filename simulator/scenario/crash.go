package scenario

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology/nearest"
)

// makeCrashes turns the events that are about jobs into what the simulator plans. The jobs
// are drawn.
func (b *inputBuilder) makeCrashes() ([]simulator.JobCrash, error) {
	var crashes []simulator.JobCrash
	var problems []error
	var numbers map[string]int
	for i := range b.Events {
		event := &b.Events[i]
		if event.Crash == "" {
			continue
		}
		if numbers == nil {
			numbers = map[string]int{}
			for job := range b.jobs {
				numbers[b.jobs[job].Name] = job
			}
		}
		job, found := numbers[event.Crash]
		if !found {
			problems = append(problems, fieldErrorf(fmt.Sprintf("events[%d].crash", i), "%s", b.unknownJob(event.Crash)))
			continue
		}
		crashes = append(crashes, simulator.JobCrash{Job: job, At: simulator.Time(event.At)})
	}
	return crashes, errors.Join(problems...)
}

// unknownJob says which jobs there are beside the name of none.
func (b *inputBuilder) unknownJob(name string) string {
	workload := name
	if at := strings.LastIndexByte(name, '-'); at >= 0 {
		workload = name[:at]
	}
	var workloads []string
	for i := range b.Workloads {
		workloads = append(workloads, b.Workloads[i].Name)
	}
	count := 0
	for i := range b.jobs {
		if b.jobs[i].Class == workload {
			count++
		}
	}
	if count == 0 {
		near := nearest.Names(workload, workloads)
		if len(near) == 0 {
			near = workloads
		}
		return fmt.Sprintf("no job is called %q: they are called by their workload and number from 0, like %s-0", name, near[0])
	}
	return fmt.Sprintf("no job is called %q: with seed %d workload %s has %d, called %s-0 to %s-%d",
		name, int64(b.seed), workload, count, workload, workload, count-1)
}
