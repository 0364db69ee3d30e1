package tracing

import (
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"
)

// scope is the name of what makes the spans.
const scope = "github.com/ashlar-dev/ashlar"

// current makes spans; nil while tracing is off.
var current atomic.Pointer[trace.Tracer]

// UseProvider has a provider make spans from now on; nil switches tracing off, as it is at
// first. The provider belongs to the caller, who shuts it down.
func UseProvider(provider trace.TracerProvider) {
	if provider == nil {
		current.Store(nil)
		return
	}
	tracer := provider.Tracer(scope)
	current.Store(&tracer)
}

// IsEnabled reports whether spans are made.
func IsEnabled() bool { return current.Load() != nil }
