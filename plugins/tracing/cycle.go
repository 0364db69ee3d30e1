package tracing

import (
	"cmp"
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	v1 "k8s.io/api/core/v1"
)

// CycleTrace is the trace of one attempt to schedule a pod. nil is one of which nothing is
// kept: all of its methods do nothing. It is safe for concurrent use, since a pod is bound
// while the next one is scheduled.
type CycleTrace struct {
	tracer trace.Tracer
	span   trace.Span

	mutex sync.Mutex
	// touched is when the last step ended, and refusal what the last one that refused the pod said.
	touched time.Time
	refusal string
	// kept says that somebody will end it, ended that it was.
	kept, ended bool
}

// BeginCycle begins the trace of an attempt; nil if tracing is off or leaves this one out.
func BeginCycle(pod *v1.Pod) *CycleTrace {
	tracer := current.Load()
	if tracer == nil {
		return nil
	}
	_, span := (*tracer).Start(context.Background(), "scheduling cycle", trace.WithAttributes(describePod(pod)...))
	if !span.IsRecording() {
		return nil
	}
	return &CycleTrace{tracer: *tracer, span: span, touched: time.Now()}
}

// StartStep begins a part of the attempt. What is called with the context that is returned
// can begin parts of that part, and requests with it belong to the trace.
func (c *CycleTrace) StartStep(ctx context.Context, name string) (context.Context, *CycleStep) {
	if c == nil {
		return ctx, nil
	}
	ctx, span := c.tracer.Start(trace.ContextWithSpan(ctx, c.span), name)
	step := &CycleStep{cycle: c, span: span}
	return context.WithValue(ctx, stepKey{}, step), step
}

// KeepCycle says that EndCycle will be called, so that EndAbandoned leaves the trace alone.
func (c *CycleTrace) KeepCycle() {
	if c == nil {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.kept = true
}

// EndCycle ends the trace with an outcome, and why; where nothing is said, a pod was refused
// for what its last step said. Later calls do nothing.
func (c *CycleTrace) EndCycle(outcome, because string) {
	if c == nil {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.endAt(outcome, because, time.Now())
}

// EndAbandoned ends a trace that nobody ended or will end, as of its last step: the scheduler
// tells a plugin neither that another one refused the pod nor that the attempt is over.
func (c *CycleTrace) EndAbandoned() {
	if c == nil {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if !c.kept {
		c.endAt(EndedElsewhere, "", c.touched)
	}
}

// endAt ends the trace. The mutex is held.
func (c *CycleTrace) endAt(outcome, because string, at time.Time) {
	if c.ended {
		return
	}
	c.ended = true
	c.span.SetAttributes(OutcomeKey.String(outcome))
	if outcome == Refused {
		because = cmp.Or(because, c.refusal)
	}
	if because != "" {
		c.span.SetAttributes(RefusalKey.String(because))
	}
	c.span.End(trace.WithTimestamp(at))
}

// noteRefusal notes what a step said that refused the pod.
func (c *CycleTrace) noteRefusal(because string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.refusal = because
}

// touchCycle notes that something was done.
func (c *CycleTrace) touchCycle() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.touched = time.Now()
}
