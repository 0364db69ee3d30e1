package deviceplacement

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/tracing"
)

// recordTraces has spans recorded until the test ends.
func recordTraces(t testing.TB) *tracetest.SpanRecorder {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	tracing.UseProvider(provider)
	t.Cleanup(func() { tracing.UseProvider(nil) })
	return recorder
}

// drawTraces are the traces that ended, with what spans say that is no identity.
func drawTraces(recorder *tracetest.SpanRecorder) []string {
	var lines []string
	var draw func(parent string, depth int)
	spans := recorder.Ended()
	slices.SortStableFunc(spans, func(a, b sdktrace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	draw = func(parent string, depth int) {
		for _, span := range spans {
			if span.Parent().SpanID().String() != parent {
				continue
			}
			line := strings.Repeat("  ", depth) + span.Name()
			for _, a := range span.Attributes() {
				if !slices.Contains([]attribute.Key{tracing.NamespaceKey, tracing.PodUIDKey, tracing.SchedulerKey}, a.Key) {
					line += fmt.Sprintf(" %s=%v", a.Key, a.Value.AsInterface())
				}
			}
			lines = append(lines, line)
			draw(span.SpanContext().SpanID().String(), depth+1)
		}
	}
	draw("0000000000000000", 0)
	return lines
}

func TestTraceOfAPodThatIsBound(t *testing.T) {
	recorder := recordTraces(t)
	s := newFakeScheduler(t, defaultArgs(), []*v1.Node{hostNode("a"), hostNode("b")}, newClaim("pod", gpuClass, 2),
		publish("a", fourGPUs()...))
	s.guard = nil // the fake API server gives claims no versions, by which it goes
	pod := newPod("pod")
	state := s.preFilter(pod)
	s.filterAll(state, pod)
	if status := s.Reserve(context.Background(), state, pod, "a"); !status.IsSuccess() {
		t.Fatal(status)
	}
	s.preFilter(newPod("bare", func(pod *v1.Pod) { pod.Spec.ResourceClaims = nil })) // another cycle, before the pod is bound
	if got := drawTraces(recorder); len(got) != 0 {
		t.Errorf("before the pod is bound:\n%s", strings.Join(got, "\n"))
	}
	if status := s.PreBind(context.Background(), state, pod, "a"); !status.IsSuccess() {
		t.Fatal(status)
	}
	s.PostBind(context.Background(), state, pod, "a")
	want := []string{
		"scheduling cycle k8s.pod.name=pod ashlar.claims=[pod] ashlar.outcome=bound",
		"  PreFilter ashlar.nodes=2 ashlar.candidates=1",
		"    RankNodes",
		"    FindCandidates ashlar.candidates=1",
		"  Reserve k8s.node.name=a ashlar.devices=GPUs 0-1 of a, NV4 100 GB/s",
		"  PreBind",
	}
	if diff := cmp.Diff(want, drawTraces(recorder)); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}

// A pod that the guard does not let be bound gives its devices back.
func TestTraceOfAPodThatGivesBack(t *testing.T) {
	recorder := recordTraces(t)
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("a")}, newClaim("pod", gpuClass, 1), publish("a", fourGPUs()...))
	pod := newPod("pod")
	state := s.preFilter(pod)
	s.filterAll(state, pod)
	if status := s.Reserve(context.Background(), state, pod, "a"); !status.IsSuccess() {
		t.Fatal(status)
	}
	status := s.PreBind(context.Background(), state, pod, "a") // fails: the fake API server gives claims no versions
	s.Unreserve(context.Background(), state, pod, "a")
	want := []string{
		"scheduling cycle k8s.pod.name=pod ashlar.claims=[pod] ashlar.outcome=given back",
		"  PreFilter ashlar.nodes=1",
		"    RankNodes",
		"  Reserve k8s.node.name=a ashlar.devices=GPU 0 of a",
		"  PreBind",
		"    ConfirmDevices",
	}
	if diff := cmp.Diff(want, drawTraces(recorder)); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	for _, span := range recorder.Ended() {
		if span.Name() == "ConfirmDevices" && (status.IsSuccess() || span.Status().Description != status.Message()) {
			t.Errorf("the guard's span says %q, want %q", span.Status().Description, status.Message())
		}
	}
}

func TestTraceOfAPodThatIsRefused(t *testing.T) {
	recorder := recordTraces(t)
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("a")}, newClaim("pod", gpuClass, 4), publish("a", fourGPUs()...),
		held("a", newClaim("one", gpuClass, 1), "gpu-0"))
	pod := newPod("pod")
	state := s.preFilter(pod)
	_, refused := s.filterAll(state, pod)
	s.PostFilter(context.Background(), state, pod, refused)
	const help = "3 of 4 matching GPUs of node a are free. would fit with a change: request devices: 3 GPUs fit on node a; " +
		"or it fits once GPU 0 of node a is free (held by default/one)"
	want := []string{
		"scheduling cycle k8s.pod.name=pod ashlar.claims=[pod] ashlar.outcome=refused " +
			"ashlar.refusal=0/1 nodes are available: 1 " + refused.Get("a").Message() + ". " + help,
		"  PreFilter ashlar.nodes=1",
		"    RankNodes",
		"  PostFilter ashlar.cause=GPUsBusy ashlar.refusal=" + help,
		"    Explain",
	}
	if diff := cmp.Diff(want, drawTraces(recorder)); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}

func TestTraceOfAGroup(t *testing.T) {
	recorder := recordTraces(t)
	pods := []*v1.Pod{newPod("one"), newPod("two")}
	g := newFakeGroup(t, []*v1.Node{hostNode("a")}, pods, append(gpuClaims(3, "one", "two"), publish("a", fourGPUs()...))...)
	state, _, status := g.groupCycle(pods[0])
	g.PostFilter(context.Background(), state, pods[0], framework.NewDefaultNodeToStatus())
	want := []string{
		"scheduling cycle k8s.pod.name=one ashlar.claims=[one] ashlar.outcome=refused ashlar.refusal=" + status.Message(),
		"  PreFilter ashlar.nodes=1 ashlar.refusal=" + status.Message(),
		"    PlanGroup ashlar.group=default/gang ashlar.group.pending=2 ashlar.refusal=" + status.Message(),
		"  PostFilter ashlar.cause=GroupWaits",
	}
	if diff := cmp.Diff(want, drawTraces(recorder)); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}

// An attempt that nobody tells the plugin the end of ends with the next one.
func TestTraceThatIsAbandoned(t *testing.T) {
	recorder := recordTraces(t)
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("a")}, newClaim("pod", gpuClass, 1), newClaim("next", gpuClass, 1),
		publish("a", fourGPUs()...))
	s.preFilter(newPod("pod"))
	s.preFilter(newPod("next"))
	want := []string{
		"scheduling cycle k8s.pod.name=pod ashlar.claims=[pod] ashlar.outcome=ended elsewhere", "  PreFilter ashlar.nodes=1", "    RankNodes",
	}
	if diff := cmp.Diff(want, drawTraces(recorder)); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}
