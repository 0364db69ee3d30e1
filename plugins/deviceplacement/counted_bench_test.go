package deviceplacement

import (
	"context"
	"fmt"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// What a pod costs on 1,000 nodes whose GPUs a device plugin hands out, of which the
// scheduler asks about 420: what kube-scheduler alone would not spend.
func BenchmarkCountedPod(b *testing.B) {
	const all, asked = 1000, 420
	for name, pod := range map[string]*v1.Pod{
		"one GPU":           countedPod("pod", "1"),
		"with model server": countedPod("pod", "1", eightB...),
	} {
		b.Run(name, func(b *testing.B) {
			var nodes []*v1.Node
			for i := range all {
				nodes = append(nodes, countedNode(fmt.Sprintf("node-%d", i), "NVIDIA-H100-80GB-HBM3", "81559", "8"))
			}
			s := newFakeScheduler(b, nil, nodes)
			for i, node := range s.nodes {
				for k := range i % 8 {
					node.AddPodInfo(podInfo(b, countedPod(fmt.Sprintf("held-%d-%d", i, k), "1")))
				}
			}
			go func() { // the recorder holds no more than a hundred
				for range s.recorder.Events {
				}
			}()
			ctx := context.Background()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				pod := pod.DeepCopy() // each pod is a new one for the forecast
				pod.UID = types.UID(fmt.Sprint(i))
				state := framework.NewCycleState()
				_, status := s.PreFilter(ctx, state, pod, s.nodes)
				if !status.IsSkip() && !status.IsSuccess() {
					b.Fatal(status)
				}
				for _, node := range s.nodes[:asked] {
					if status.IsSkip() {
						break
					}
					if status := s.Filter(ctx, state, pod, node); !status.IsSuccess() {
						b.Fatal(status)
					}
				}
				if status := s.PreScore(ctx, state, pod, s.nodes[:asked]); !status.IsSuccess() && !status.IsSkip() {
					b.Fatal(status)
				}
				for _, node := range s.nodes[:asked] {
					if _, status := (ScorePlugin{}).Score(ctx, state, pod, node); !status.IsSuccess() {
						b.Fatal(status)
					}
				}
				if status := s.Reserve(ctx, state, pod, "node-0"); !status.IsSuccess() {
					b.Fatal(status)
				}
				if status := s.PreBind(ctx, state, pod, "node-0"); !status.IsSuccess() {
					b.Fatal(status)
				}
				s.PostBind(ctx, state, pod, "node-0")
			}
		})
	}
}
