package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	fwk "k8s.io/kube-scheduler/framework"
)

// CycleStep is a part of an attempt to schedule a pod. nil is one of which nothing is kept:
// all of its methods do nothing.
type CycleStep struct {
	cycle *CycleTrace
	span  trace.Span
}

// stepKey is under what a context has the step that it is of.
type stepKey struct{}

// StartStep begins a part of the step that a context is of; see CycleTrace.StartStep.
func StartStep(ctx context.Context, name string) (context.Context, *CycleStep) {
	if !IsEnabled() {
		return ctx, nil
	}
	of, _ := ctx.Value(stepKey{}).(*CycleStep)
	if of == nil {
		return ctx, nil
	}
	ctx, span := of.cycle.tracer.Start(ctx, name)
	step := &CycleStep{cycle: of.cycle, span: span}
	return context.WithValue(ctx, stepKey{}, step), step
}

// IsKept reports whether what is noted is kept. Only what takes time to find out needs to ask.
func (s *CycleStep) IsKept() bool { return s != nil }

// NoteText notes something in words; nothing if there are none.
func (s *CycleStep) NoteText(key attribute.Key, text string) {
	if s != nil && text != "" {
		s.span.SetAttributes(key.String(text))
	}
}

// NoteCount notes a number.
func (s *CycleStep) NoteCount(key attribute.Key, count int) {
	if s != nil {
		s.span.SetAttributes(key.Int(count))
	}
}

// EndStep ends the step with what the plugin told the scheduler: why the pod was refused, or
// what went wrong.
func (s *CycleStep) EndStep(status *fwk.Status) {
	if s == nil {
		return
	}
	switch {
	case status.IsRejected() && status.Message() != "":
		s.span.SetAttributes(RefusalKey.String(status.Message()))
		s.cycle.noteRefusal(status.Message())
	case status.Code() == fwk.Error:
		s.span.SetStatus(codes.Error, status.Message())
	}
	s.span.End()
	s.cycle.touchCycle()
}
