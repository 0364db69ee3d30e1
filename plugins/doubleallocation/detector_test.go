package doubleallocation

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// A double allocation that lasts is counted once and told once on each claim, by whoever may
// write, and is gone when one of the two is.
func TestDetectorTellsOnce(t *testing.T) {
	ledger := testLedger(t)
	client := fake.NewClientset()
	found, current := 0, 0
	d := NewDetector(ledger, client, Metrics{CountFound: func() { found++ }, SetCurrent: func(count int) { current = count }})
	now := time.Unix(1e9, 0)
	d.now = func() time.Time { return now }
	leads := false
	client.PrependReactor("create", "events", func(clienttesting.Action) (bool, runtime.Object, error) {
		if leads {
			return false, nil, nil
		}
		return true, nil, errors.New("does not lead")
	})
	check := func(what string, wantFound, wantCurrent, wantEvents int) {
		t.Helper()
		d.lookAgain(t.Context())
		events, err := client.EventsV1().Events("ns").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("found %d, current %d, events %d", wantFound, wantCurrent, wantEvents)
		if got := fmt.Sprintf("found %d, current %d, events %d", found, current, len(events.Items)); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	ledger.noteClaim(claimOf("a", 5, "half-0"))
	ledger.noteClaim(claimOf("b", 6, "half-0"))
	check("at first", 0, 0, 0)
	now = now.Add(settledAfter)
	check("it lasts, and another leads", 1, 1, 0)
	leads = true
	check("this one leads", 1, 1, 2)
	check("told already", 1, 1, 2)
	events, err := client.EventsV1().Events("ns").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range events.Items {
		got = append(got, events.Items[i].Regarding.Name+": "+events.Items[i].Note)
	}
	slices.Sort(got)
	const note = "device half-0 of pool pool (gpu.example.com) on node worker is allocated to claim ns/b and was to ns/a: " +
		"delete the pods of one of the claims; two schedulers allocate the devices of driver gpu.example.com"
	if diff := cmp.Diff([]string{"a: " + note, "b: " + note}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	ledger.noteClaim(claimOf("a", 9))
	check("one gave way", 1, 0, 2)
}
