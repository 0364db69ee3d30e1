package doubleallocation

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	v1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
)

const (
	// lookEvery is how often changed pools are looked at.
	lookEvery = time.Second
	// settledAfter is how long a clash must last to be reported: guards have given back by then.
	settledAfter = 2 * visibleWithin
	// reasonAllocatedTwice is that of the events.
	reasonAllocatedTwice = "DeviceAllocatedTwice"
	// maxEventNote is the longest note that an event may have (events.k8s.io/v1).
	maxEventNote = 1024
)

// Metrics are what a detector counts.
type Metrics struct {
	CountFound func()          // a double allocation was found
	SetCurrent func(count int) // how many there are
}

// Detector finds allocations that do not fit beside older ones and last, whoever made them, and
// tells of each once: by a log line, and by a Warning event on each of both claims.
type Detector struct {
	ledger  *Ledger
	client  kubernetes.Interface
	metrics Metrics
	now     func() time.Time
	// current are the clashes that there are.
	current map[clashID]*sighting
}

// clashID is a pair of claims, the younger first, with the device that both have.
type clashID struct {
	younger, older types.UID
	pool           poolID
	device         string
}

// sighting is a clash over time.
type sighting struct {
	clash    *poolClash
	first    time.Time
	found    bool // counted and logged
	reported bool // events were written
}

// NewDetector returns a detector over a ledger. The client should be one that writes only while
// this scheduler leads: then of several replicas one reports.
func NewDetector(ledger *Ledger, client kubernetes.Interface, metrics Metrics) *Detector {
	return &Detector{ledger: ledger, client: client, metrics: metrics, now: time.Now, current: map[clashID]*sighting{}}
}

// Run looks until the context ends.
func (d *Detector) Run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			d.lookAgain(ctx)
		}
	}
}

// lookAgain looks at the pools that have changed and at those that have clashes.
func (d *Detector) lookAgain(ctx context.Context) {
	pools := d.ledger.takeChanged()
	for id := range d.current {
		pools[id.pool] = struct{}{}
	}
	now := d.now()
	seen := map[clashID]struct{}{}
	for id := range pools {
		holders := d.ledger.holdersOf(id)
		if len(holders) < 2 {
			continue
		}
		p, err := readPool(d.ledger.slices, id)
		if err != nil {
			klog.FromContext(ctx).Error(err, "Reading pool", "driver", id.driver, "pool", id.pool)
			continue
		}
		for _, found := range clashesOf(p, id, holders) {
			key := found.identifyClash()
			seen[key] = struct{}{}
			if d.current[key] == nil {
				d.current[key] = &sighting{first: now}
			}
			d.current[key].clash = found
		}
	}
	settled := 0
	for key, s := range d.current {
		if _, there := seen[key]; !there {
			if s.found {
				klog.FromContext(ctx).Info("Device is no longer allocated twice", "what", s.clash.describeClash())
			}
			delete(d.current, key)
			continue
		}
		if now.Sub(s.first) >= settledAfter {
			settled++
			d.reportClash(ctx, s)
		}
	}
	d.metrics.SetCurrent(settled)
}

// identifyClash names a clash by its oldest rival.
func (c *poolClash) identifyClash() clashID {
	id := clashID{younger: c.holder.uid, pool: c.pool, device: c.device}
	if len(c.rivals) > 0 {
		id.older = c.rivals[0].uid
	}
	return id
}

// reportClash counts and logs a clash once, and writes its events until that has worked.
func (d *Detector) reportClash(ctx context.Context, s *sighting) {
	text := s.clash.describeClash()
	if !s.found {
		s.found = true
		d.metrics.CountFound()
		klog.FromContext(ctx).Info("Device is allocated twice", "what", text)
	}
	if s.reported {
		return
	}
	s.reported = true
	note := text + ": delete the pods of one of the claims; two schedulers allocate the devices of driver " + s.clash.pool.driver
	parties := []*holder{s.clash.holder}
	if len(s.clash.rivals) > 0 {
		parties = append(parties, s.clash.rivals[0])
	}
	for _, party := range parties {
		if err := d.writeEvent(ctx, party, s.clash.identifyClash(), note); err != nil && !apierrors.IsNotFound(err) {
			s.reported = false // not the leader, or the server does not answer: again at the next look
			klog.FromContext(ctx).V(4).Info("Event about a double allocation was not written", "claim", party.claim, "err", err)
		}
	}
}

// writeEvent writes an event about a claim, under a name that the clash gives: another replica, or
// this scheduler after a restart, does not write it again.
func (d *Detector) writeEvent(ctx context.Context, about *holder, id clashID, note string) error {
	hash := fnv.New64a()
	fmt.Fprint(hash, id)
	name := about.claim.Name
	const longest = 200
	if len(name) > longest {
		name = name[:longest]
	}
	if len(note) > maxEventNote {
		note = note[:maxEventNote]
	}
	_, err := d.client.EventsV1().Events(about.claim.Namespace).Create(ctx, &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s.%016x", name, hash.Sum64()), Namespace: about.claim.Namespace},
		EventTime:  metav1.NewMicroTime(d.now()), ReportingController: "ashlar-scheduler", ReportingInstance: "ashlar-scheduler",
		Action: "Detecting", Reason: reasonAllocatedTwice, Type: v1.EventTypeWarning, Note: note,
		Regarding: v1.ObjectReference{
			APIVersion: resourceapi.SchemeGroupVersion.String(), Kind: "ResourceClaim",
			Namespace: about.claim.Namespace, Name: about.claim.Name, UID: about.uid,
		},
	}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
