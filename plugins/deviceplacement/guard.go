package deviceplacement

import (
	"context"
	"sync"

	"k8s.io/client-go/informers"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/doubleallocation"
	"github.com/ashlar-dev/ashlar/plugins/metrics"
)

// sharedLedgers has the ledger of each running scheduler, whose profiles share it: a double
// allocation is found once, not once for each profile.
var sharedLedgers = struct {
	sync.Mutex
	of map[informers.SharedInformerFactory]*doubleallocation.Ledger
}{of: map[informers.SharedInformerFactory]*doubleallocation.Ledger{}}

// guardBinding builds the guard of a profile. The first of a scheduler's starts the detector of double
// allocations.
func guardBinding(ctx context.Context, h fwk.Handle) (*doubleallocation.Guard, error) {
	ledger, err := sharedLedger(ctx, h)
	if err != nil {
		return nil, err
	}
	nodes := h.SharedInformerFactory().Core().V1().Nodes().Lister()
	return doubleallocation.NewGuard(ledger, h.ClientSet(), nodes, h.SharedDRAManager().ResourceClaims(), metrics.CountGivenBack), nil
}

// sharedLedger returns the ledger of a scheduler, which ends with ctx.
func sharedLedger(ctx context.Context, h fwk.Handle) (*doubleallocation.Ledger, error) {
	sharedLedgers.Lock()
	defer sharedLedgers.Unlock()
	factory := h.SharedInformerFactory()
	if ledger := sharedLedgers.of[factory]; ledger != nil {
		return ledger, nil
	}
	ledger, err := doubleallocation.NewLedger(factory)
	if err != nil {
		return nil, err
	}
	sharedLedgers.of[factory] = ledger
	context.AfterFunc(ctx, func() {
		sharedLedgers.Lock()
		defer sharedLedgers.Unlock()
		delete(sharedLedgers.of, factory)
	})
	go doubleallocation.NewDetector(ledger, h.ClientSet(), doubleallocation.Metrics{
		CountFound: metrics.CountDoubleAllocation, SetCurrent: metrics.SetDoubleAllocations,
	}).Run(ctx)
	return ledger, nil
}
