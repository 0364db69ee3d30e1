package deviceplacement

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/apis/config"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func rated(bandwidth, forecast, cost int64) cluster.NodeScore {
	return cluster.NodeScore{Rating: placement.Rating{Bandwidth: bandwidth, OpportunityCost: cost}, ForecastCost: forecast}
}

func TestScoresFollowRank(t *testing.T) {
	five := map[string]cluster.NodeScore{
		"fast": rated(450, 0, 900_000), "cheap": rated(0, 0, 10), "cheap twice": rated(0, 0, 10),
		"expensive": rated(0, 0, 11), "dearest": rated(0, 0, 80_000),
	}
	for name, tc := range map[string]struct {
		ratings map[string]cluster.NodeScore
		span    int64
		want    map[string]int64
	}{
		"all of the range": {five, 100, map[string]int64{
			"fast":        100, // bandwidth decides first, whatever is lost
			"cheap":       66,  // 2 of 3 ranks up
			"expensive":   33,
			"dearest":     0,
			"cheap twice": 66, // equal ratings score equal
		}},
		"a part of it":  {five, 30, map[string]int64{"fast": 100, "cheap": 90, "cheap twice": 90, "expensive": 80, "dearest": 70}},
		"no difference": {five, 0, map[string]int64{"fast": 100, "cheap": 100, "cheap twice": 100, "expensive": 100, "dearest": 100}},
		"the forecast before the node's own cost": {
			map[string]cluster.NodeScore{"a": rated(0, 5, 0), "b": rated(0, 4, 900)}, 100, map[string]int64{"a": 0, "b": 100},
		},
		"the first of equals": {map[string]cluster.NodeScore{"a": rated(0, 0, 5), "b": rated(0, 0, 5)}, 100, map[string]int64{"a": 100, "b": 99}},
		"one":                 {map[string]cluster.NodeScore{"only": rated(0, 0, 5)}, 100, map[string]int64{"only": 100}},
		"none":                {nil, 100, map[string]int64{}},
	} {
		t.Run(name, func(t *testing.T) {
			var rated nodeRatings
			for node, rating := range tc.ratings {
				rated.addNode(node, rated.addRating(rating))
			}
			if diff := cmp.Diff(tc.want, map[string]int64(rated.scoreNodes(tc.span))); diff != "" {
				t.Errorf("scores (-want +got):\n%s", diff)
			}
		})
	}
}

// PreScore rates what the in-tree code would really allocate; Score reads it.
func TestPreScoreAndScore(t *testing.T) {
	slow := []runtime.Object{publish("slow", wholeGPU(0, "X SYS"), wholeGPU(1, "SYS X"))}
	for name, tc := range map[string]struct {
		objects []runtime.Object
		change  func(*config.DevicePlacementArgs)
		want    map[string]int64
	}{
		"the faster pair": {
			append(slow, publish("fast", wholeGPU(0, "X NV4"), wholeGPU(1, "NV4 X"))), nil, map[string]int64{"fast": 100, "slow": 0},
		},
		"a smaller span": {
			append(slow, publish("fast", wholeGPU(0, "X NV4"), wholeGPU(1, "NV4 X"))), func(a *config.DevicePlacementArgs) { a.ScoreSpan = 10 },
			map[string]int64{"fast": 100, "slow": 90},
		},
		"of equals the first by name": {
			append(slow, publish("fast", wholeGPU(0, "X SYS"), wholeGPU(1, "SYS X"))), nil, map[string]int64{"fast": 100, "slow": 99},
		},
		"where less is broken up": {
			[]runtime.Object{
				publish("slow", fourGPUs()...), publish("fast", fourGPUs()...), held("slow", newClaim("other", gpuClass, 2), "gpu-0", "gpu-1"),
			},
			func(a *config.DevicePlacementArgs) { a.Forecast = false }, map[string]int64{"fast": 0, "slow": 100},
		},
	} {
		t.Run(name, func(t *testing.T) {
			args := defaultArgs()
			if tc.change != nil {
				tc.change(args)
			}
			s := newFakeScheduler(t, args, []*v1.Node{newNode("slow"), newNode("fast")}, append(tc.objects, newClaim("pod", gpuClass, 2))...)
			pod := newPod("pod")
			state := s.preFilter(pod)
			feasible, _ := s.filterAll(state, pod)
			if status := s.PreScore(context.Background(), state, pod, feasible); !status.IsSuccess() && !status.IsSkip() {
				t.Fatal(status)
			}
			got := map[string]int64{}
			for _, node := range feasible {
				score, status := ScorePlugin{}.Score(context.Background(), state, pod, node)
				if !status.IsSuccess() {
					t.Fatal(status)
				}
				got[node.Node().Name] = score
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("scores (-want +got):\n%s", diff)
			}
			if pending := s.claims.GetPendingAllocation("claim-pod"); pending != nil {
				t.Errorf("asking what would be allocated has allocated: %v", pending)
			}
		})
	}
}

// A pod without devices scores nothing, anywhere.
func TestScoreWithoutDevices(t *testing.T) {
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, publish("n", fourGPUs()...))
	state := framework.NewCycleState()
	if status := s.PreScore(context.Background(), state, newPod("cpu"), s.nodes); !status.IsSuccess() && !status.IsSkip() {
		t.Error(status)
	}
	if score, status := (ScorePlugin{}).Score(context.Background(), state, newPod("cpu"), s.nodes[0]); score != 0 || !status.IsSuccess() {
		t.Errorf("score %d, status %v", score, status)
	}
	if status := (ScorePlugin{}).PreScore(context.Background(), state, newPod("cpu"), s.nodes); !status.IsSkip() {
		t.Errorf("PreScore: %v, want that scoring is skipped", status)
	}
	counted := newFakeScheduler(t, nil, countedNodes()[2:3])
	pod := countedPod("pod", "1")
	if status := (ScorePlugin{}).PreScore(context.Background(), counted.preFilter(pod), pod, counted.nodes); !status.IsSuccess() {
		t.Errorf("PreScore of a pod with a GPU: %v", status)
	}
}
