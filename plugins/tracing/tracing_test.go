package tracing

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

var pod = &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "pod", UID: "1"}}

// playCycle plays the parts of an attempt.
func playCycle(ctx context.Context, status *fwk.Status) *CycleTrace {
	cycle := BeginCycle(pod)
	ctx, step := cycle.StartStep(ctx, "PreFilter")
	_, part := StartStep(ctx, "RankNodes")
	part.NoteCount(NodesKey, 5)
	part.NoteText(DevicesKey, "GPU 0")
	part.EndStep(nil)
	step.EndStep(status)
	return cycle
}

func TestCycleTrace(t *testing.T) {
	for name, tc := range map[string]struct {
		status      *fwk.Status
		end         func(*CycleTrace)
		wantOutcome string
		wantStatus  codes.Code
		wantRefusal string // of the step
	}{
		"bound": {end: func(c *CycleTrace) { c.KeepCycle(); c.EndAbandoned(); c.EndCycle(Bound, "") }, wantOutcome: Bound},
		"refused": {
			status: fwk.NewStatus(fwk.Unschedulable, "no"), end: func(c *CycleTrace) { c.EndCycle(Refused, "") }, wantOutcome: Refused,
			wantRefusal: "no",
		},
		"error": {
			status: fwk.NewStatus(fwk.Error, "broken"), end: (*CycleTrace).EndAbandoned, wantOutcome: EndedElsewhere, wantStatus: codes.Error,
		},
		"ended twice": {
			end: func(c *CycleTrace) { c.EndCycle(GivenBack, ""); c.EndCycle(Bound, "") }, wantOutcome: GivenBack,
		},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := tracetest.NewSpanRecorder()
			UseProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
			defer UseProvider(nil)
			cycle := playCycle(context.Background(), tc.status)
			if got := len(recorder.Ended()); got != 2 {
				t.Fatalf("before the end: got %d spans, want 2", got)
			}
			tc.end(cycle)
			spans := recorder.Ended()
			if len(spans) != 3 {
				t.Fatalf("got %d spans, want 3", len(spans))
			}
			part, step, root := spans[0], spans[1], spans[2]
			if part.Parent().SpanID() != step.SpanContext().SpanID() || step.Parent().SpanID() != root.SpanContext().SpanID() {
				t.Error("the spans are not within one another")
			}
			if step.Status().Code != tc.wantStatus {
				t.Errorf("status of the step: got %v, want %v", step.Status(), tc.wantStatus)
			}
			texts := map[string]string{}
			for _, span := range spans {
				for _, a := range span.Attributes() {
					texts[span.Name()+" "+string(a.Key)] = a.Value.AsString()
				}
			}
			if got := texts["scheduling cycle "+string(OutcomeKey)]; got != tc.wantOutcome {
				t.Errorf("outcome: got %q, want %q", got, tc.wantOutcome)
			}
			for _, span := range []string{"PreFilter", "scheduling cycle"} {
				if got := texts[span+" "+string(RefusalKey)]; got != tc.wantRefusal {
					t.Errorf("refusal of %s: got %q, want %q", span, got, tc.wantRefusal)
				}
			}
			if root.EndTime().Before(step.EndTime()) {
				t.Error("the cycle ends before its last step")
			}
		})
	}
}

// What is switched off, or left out by the sampler, leaves nothing behind.
func TestNothingIsKept(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	never := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder), sdktrace.WithSampler(sdktrace.NeverSample()))
	for name, use := range map[string]func(){"off": func() { UseProvider(nil) }, "left out": func() { UseProvider(never) }} {
		use()
		if cycle := playCycle(context.Background(), nil); cycle != nil {
			t.Errorf("%s: a trace was begun", name)
		} else {
			cycle.EndCycle(Bound, "")
		}
		if got := len(recorder.Ended()); got != 0 {
			t.Errorf("%s: got %d spans, want none", name, got)
		}
		UseProvider(nil)
	}
}

// Tracing that is off costs a cycle no allocation, and a few nanoseconds.
func TestOffAllocatesNothing(t *testing.T) {
	ctx := context.Background()
	if got := testing.AllocsPerRun(100, func() { playCycle(ctx, nil).EndCycle(Bound, "") }); got != 0 {
		t.Errorf("got %g allocations for a cycle, want none", got)
	}
}

func BenchmarkCycle(b *testing.B) {
	ctx := context.Background()
	for name, provider := range map[string]*sdktrace.TracerProvider{
		"off": nil, "left-out": sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())), "on": sdktrace.NewTracerProvider(),
	} {
		b.Run(name, func(b *testing.B) {
			if provider != nil {
				UseProvider(provider)
				defer UseProvider(nil)
			}
			b.ReportAllocs()
			for b.Loop() {
				playCycle(ctx, nil).EndCycle(Bound, "")
			}
		})
	}
}
