package simulator

import (
	"math/rand"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Arrivals that are kept beside the heap come in the order in which they would come out of
// it: by time, then in the order of the jobs, and before all else at the same time.
func TestArrivalsComeAsIfTheyWereInTheHeap(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	jobs := make([]Job, 200)
	for i := range jobs {
		jobs[i].Arrives = Time(random.Intn(50))
	}
	var beside, inside eventQueue
	beside.planArrivals(jobs)
	for i := range jobs {
		inside.pushEvent(jobs[i].Arrives, jobArrival{jobSubject{i}})
	}
	for step := 0; inside.anyLeft(); step++ {
		want, _ := inside.popEvent()
		got, found := beside.popEvent()
		if !found || got != want {
			t.Fatalf("event %d: got %+v, want %+v", step, got, want)
		}
		if random.Intn(3) == 0 {
			at := want.At + Time(random.Intn(5))
			inside.pushEvent(at, queueRetry{})
			beside.pushEvent(at, queueRetry{})
		}
	}
	if beside.anyLeft() {
		t.Error("events are left over")
	}
}

// A set of jobs is gone through in order, whatever came and went.
func TestJobSetIsInOrder(t *testing.T) {
	var set jobSet
	for _, job := range []int{700, 3, 64, 63, 5} {
		set.addJob(job)
	}
	set.removeJob(64)
	var got []int
	for job := range set.inOrder() {
		got = append(got, job)
	}
	if diff := cmp.Diff([]int{3, 5, 63, 700}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
