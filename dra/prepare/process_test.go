package prepare

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology"
)

// driverProcess is a driver and the kubelet that asks it. The kubelet's memory is
// a journal, a line per event:
//
//	prepare NAME CONFIG DEVICES   asked for
//	ready NAME                    told that it is ready
//	refused NAME                  told that it cannot be
//	unprepare NAME; gone NAME     likewise
type driverProcess struct {
	*testDriver
	mu      sync.Mutex
	journal *os.File
	claims  map[string]*journalClaim
}

type journalClaim struct {
	claim *resourceapi.ResourceClaim
	last  string // the last event
}

// startProcess starts the driver, which kills itself before step number killAt.
func startProcess(t *testing.T, directory string, killAt int) *driverProcess {
	t.Helper()
	node, err := newFakeNode(directory, 4)
	if err != nil {
		t.Fatal(err)
	}
	var steps atomic.Int64
	between := func(string) {
		if steps.Add(1) == int64(killAt) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // no step more
		}
	}
	node.between = between
	p := &driverProcess{testDriver: &testDriver{node: node}, claims: map[string]*journalClaim{}}
	text, err := os.ReadFile(filepath.Join(directory, "journal"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		p.readEvent(strings.Fields(line))
	}
	if p.journal, err = os.OpenFile(filepath.Join(directory, "journal"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		t.Fatal(err)
	}
	store, damage, err := checkpoint.OpenStore(checkpoint.StoreOptions{
		Path: filepath.Join(directory, "checkpoint"), BootID: "boot-1", Between: between,
	})
	if err != nil || damage != nil {
		t.Fatalf("OpenStore: damage %v, error %v", damage, err)
	}
	p.store, p.Manager = store, newTestManager(node, store, between)
	if err := p.Recover(quietContext(t)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *driverProcess) readEvent(words []string) {
	if len(words) < 2 {
		return
	}
	if words[0] == "prepare" && len(words) == 4 {
		p.claims[words[1]] = &journalClaim{claim: randomClaim(words[1], words[2], words[3])}
	}
	p.claims[words[1]].last = words[0]
}

// randomClaim is the claim of a line of the journal.
func randomClaim(name, config, devices string) *resourceapi.ResourceClaim {
	claim := newClaim(name)
	for device := range strings.SplitSeq(devices, ",") {
		result := allocated(device)
		if strings.HasSuffix(device, "-share") {
			result = withMemory(result, 30*topology.GiB)
		}
		claim.Status.Allocation.Devices.Results = append(claim.Status.Allocation.Devices.Results, result)
	}
	switch config {
	case "mps":
		return withConfig(claim, testConfig{MPS: true})
	case "long":
		return withConfig(claim, testConfig{Interval: hardware.LongTimeSlice})
	}
	return claim
}

func (p *driverProcess) note(t *testing.T, words ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readEvent(words)
	if _, err := p.journal.WriteString("\n" + strings.Join(words, " ") + " "); err != nil {
		t.Error(err)
	}
}

// checkRecovered compares what there is after a start with what the kubelet was told.
func (p *driverProcess) checkRecovered(t *testing.T) {
	t.Helper()
	for _, problem := range leftoversOf(p.node.state, p.store.PreparedClaims()) {
		t.Error(problem)
	}
	for name, claim := range p.claims {
		_, known := p.store.PreparedClaim(claim.claim.UID)
		if claim.last == "ready" && !known || (claim.last == "gone" || claim.last == "refused") && known {
			t.Errorf("claim %s: the kubelet was told %s, and the checkpoint has it: %v", name, claim.last, known)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// askAtRandom asks as the kubelet does, four claims at a time, until it has had enough.
func (p *driverProcess) askAtRandom(t *testing.T, seed uint64) {
	names := make([]string, 0, len(p.claims))
	for name, claim := range p.claims {
		if claim.last != "gone" && claim.last != "refused" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var group sync.WaitGroup
	for worker := range 4 {
		random := rand.New(rand.NewPCG(seed, uint64(worker)))
		var own []string
		for i, name := range names {
			if i%4 == worker {
				own = append(own, name)
			}
		}
		group.Go(func() {
			for range 6 {
				own = p.askOnce(t, random, own)
			}
		})
	}
	group.Wait()
}

// askOnce prepares or unprepares one claim, and returns those that the worker has then.
func (p *driverProcess) askOnce(t *testing.T, random *rand.Rand, own []string) []string {
	if len(own) > 0 && (len(own) > 2 || random.IntN(2) == 0) {
		i := random.IntN(len(own))
		p.mu.Lock()
		claim := p.claims[own[i]]
		again := claim.last == "prepare" || claim.last == "ready" && random.IntN(4) == 0
		p.mu.Unlock()
		if again { // a kubelet that restarted asks again for what it has or wants
			return p.prepareOne(t, own, i)
		}
		return p.unprepareOne(t, own, i)
	}
	name := fmt.Sprintf("%x", random.Uint64())
	gpu, other := random.IntN(4), random.IntN(4)
	device := func(gpu int) string {
		forms := []string{
			"gpu-%d", "gpu-%d-share", "gpu-%d-share", "gpu-%d-mig-1g10gb-19-0", "gpu-%d-mig-1g10gb-19-1", "gpu-%d-mig-1g10gb-19-6",
			"gpu-%d-mig-3g40gb-9-0", "gpu-%d-mig-3g40gb-9-4", "gpu-%d-mig-7g80gb-0-0",
		}
		return fmt.Sprintf(forms[random.IntN(len(forms))], gpu)
	}
	devices := device(gpu)
	if random.IntN(4) == 0 && other != gpu {
		devices += "," + device(other)
	}
	p.note(t, "prepare", name, []string{"none", "mps", "long"}[random.IntN(3)], devices)
	return p.prepareOne(t, append(own, name), len(own))
}

func (p *driverProcess) prepareOne(t *testing.T, own []string, i int) []string {
	p.mu.Lock()
	claim := p.claims[own[i]].claim
	p.mu.Unlock()
	_, err := p.Prepare(quietContext(t), claim)
	if err == nil {
		p.note(t, "ready", own[i])
		return own
	}
	if !strings.Contains(err.Error(), "delete the pod of one of the two claims") && !strings.Contains(err.Error(), "which no claim has") {
		t.Errorf("Prepare: %v", err)
	}
	p.note(t, "refused", own[i])
	return slices.Delete(own, i, i+1)
}

func (p *driverProcess) unprepareOne(t *testing.T, own []string, i int) []string {
	p.note(t, "unprepare", own[i])
	if err := p.Unprepare(quietContext(t), types.UID("uid-"+own[i])); err != nil {
		t.Errorf("Unprepare: %v", err)
	}
	p.note(t, "gone", own[i])
	return slices.Delete(own, i, i+1)
}

// endAll prunes: half of the claims exist no more, and then none.
func (p *driverProcess) endAll(t *testing.T) {
	for _, keep := range []bool{true, false} {
		i := 0
		err := p.Prune(quietContext(t), func(string, string, types.UID) (bool, error) {
			i++
			return keep && i%2 == 0, nil
		})
		if err != nil {
			t.Error(err)
		}
		for _, problem := range leftoversOf(p.node.state, p.store.PreparedClaims()) {
			t.Error(problem)
		}
	}
	if claims := p.store.PreparedClaims(); len(claims) > 0 {
		t.Errorf("claims at the end: %v", claims)
	}
}
