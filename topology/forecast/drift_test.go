package forecast

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
)

func TestShapeOf(t *testing.T) {
	for want, classes := range map[DemandShape][]PodClass{
		QuarterShare: {share(0, 1), share(0, 250)},
		HalfShare:    {share(0, 251), share(0, 500)},
		LargeShare:   {share(0, 501), share(0, 999)},
		OneGPU:       {whole(0, 1)},
		FewGPUs:      {whole(0, 2), whole(0, 4)},
		ManyGPUs:     {whole(0, 5), whole(0, 8)},
		MoreGPUs:     {whole(0, 9), whole(0, topology.MaxGPUs)},
	} {
		for _, class := range classes {
			if got := shapeOf(class); got != want {
				t.Errorf("%+v: got %s, want %s", class, got, want)
			}
		}
	}
}

// pods are so many of one class.
type pods struct {
	class PodClass
	count int
}

func TestMeasureDrift(t *testing.T) {
	for name, tc := range map[string]struct {
		come []pods
		// wantRatio is NaN where nothing is expected yet.
		wantRatio      float64
		wantExp, wantN map[DemandShape]float64
	}{
		"too few to expect anything": {come: []pods{{whole(0, 1), firstLesson - 1}}, wantRatio: math.NaN()},
		"as expected": {
			come: []pods{{whole(0, 1), 100}}, wantRatio: 0,
			wantExp: map[DemandShape]float64{OneGPU: 1}, wantN: map[DemandShape]float64{OneGPU: 1},
		},
		// Learned at 64, 80, 100, 125, 157, 197, 247, 309, 387, 484, 605, 757 and 947: none of the
		// last 128 is expected.
		"all in another shape": {
			come: []pods{{whole(0, 1), 947}, {share(0, 500), 128}}, wantRatio: 1,
			wantExp: map[DemandShape]float64{OneGPU: 1}, wantN: map[DemandShape]float64{HalfShare: 1},
		},
		// Of the last 128, 96 are whole GPUs.
		"a quarter in another shape": {
			come: []pods{{whole(0, 1), 947}, {share(0, 500), 32}}, wantRatio: 0.25,
			wantExp: map[DemandShape]float64{OneGPU: 1}, wantN: map[DemandShape]float64{OneGPU: 0.75, HalfShare: 0.25},
		},
		// CPU makes other classes, not other shapes.
		"more CPU": {
			come: []pods{{whole(1000, 1), 947}, {whole(9000, 1), 128}}, wantRatio: 0,
			wantExp: map[DemandShape]float64{OneGPU: 1}, wantN: map[DemandShape]float64{OneGPU: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := NewDemandForecast()
			for _, p := range tc.come {
				for range p.count {
					f.learned.observeClass(p.class)
				}
			}
			drift, known := f.MeasureDrift()
			if known == math.IsNaN(tc.wantRatio) {
				t.Fatalf("known: %t", known)
			}
			if !known {
				return
			}
			if got := drift.DriftRatio(); math.Abs(got-tc.wantRatio) > 1e-9 {
				t.Errorf("ratio: got %g, want %g", got, tc.wantRatio)
			}
			for name, pair := range map[string]struct {
				got  ShapeShares
				want map[DemandShape]float64
			}{"expected": {drift.Expected, tc.wantExp}, "recent": {drift.Recent, tc.wantN}} {
				var want ShapeShares
				for shape, part := range pair.want {
					want[shape] = part
				}
				if diff := cmp.Diff(want, pair.got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// Pods of classes that are too many to be told apart are compared all the same.
func TestDriftSeesFurtherClasses(t *testing.T) {
	f := NewDemandForecast()
	for cpu := range int64(maxClasses) {
		f.learned.observeClass(whole(cpu, 1))
	}
	for range recentPods {
		f.learned.observeClass(share(maxClasses, 100))
	}
	if drift, _ := f.MeasureDrift(); drift.DriftRatio() != 1 {
		t.Errorf("ratio: got %g, want 1", drift.DriftRatio())
	}
}
