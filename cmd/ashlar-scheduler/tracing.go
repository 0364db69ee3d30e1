package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/spf13/pflag"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/rest"
	componenttracing "k8s.io/component-base/tracing"
	tracingapi "k8s.io/component-base/tracing/api/v1"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/internal/buildinfo"
	"github.com/ashlar-dev/ashlar/plugins/tracing"
)

// perMillion is the sampling rate at which every attempt is traced.
const perMillion = 1_000_000

// flushWithin is how long the last spans may take to be sent when the scheduler ends.
const flushWithin = 3 * time.Second

// tracingFlags are the fields of Kubernetes' TracingConfiguration as flags.
type tracingFlags struct {
	endpoint string
	rate     int32
}

// addTo adds the flags to a section of the command's.
func (f *tracingFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.endpoint, "tracing-endpoint", "",
		"host:port of an OpenTelemetry collector that receives OTLP over gRPC without TLS, to which spans of scheduling cycles are sent; none "+
			"are made without it")
	flags.Int32Var(&f.rate, "tracing-sampling-rate-per-million", perMillion, "of a million attempts to schedule a pod, how many are traced")
}

// toConfiguration is what the flags say; nil for no tracing.
func (f *tracingFlags) toConfiguration() (*tracingapi.TracingConfiguration, error) {
	if f.endpoint == "" {
		if f.rate != perMillion {
			return nil, errors.New("--tracing-sampling-rate-per-million is given without --tracing-endpoint: say where spans go, or leave it out")
		}
		return nil, nil
	}
	config := &tracingapi.TracingConfiguration{Endpoint: &f.endpoint, SamplingRatePerMillion: &f.rate}
	if errs := tracingapi.ValidateTracingConfiguration(config, nil, field.NewPath("tracing")); len(errs) > 0 {
		return nil, fmt.Errorf("--tracing-endpoint %s, --tracing-sampling-rate-per-million %d: %w", f.endpoint, f.rate, errs.ToAggregate())
	}
	return config, nil
}

// startTracing has spans made and sent as the flags say. What it returns sends the last ones, and may be
// called more than once.
func (f *tracingFlags) startTracing(ctx context.Context) (flush func(), err error) {
	config, err := f.toConfiguration()
	if err != nil || config == nil {
		return func() {}, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("reading the name of this host: %w", err)
	}
	// A collector that is not there is told once, and is no reason not to schedule.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { klog.Background().Error(err, "Sending spans", "endpoint", f.endpoint) }))
	provider, err := componenttracing.NewProvider(ctx, config, nil, []resource.Option{resource.WithAttributes(
		semconv.ServiceName("ashlar-scheduler"), semconv.ServiceVersion(buildinfo.ReadInfo().Version), semconv.ServiceInstanceID(host),
	)})
	if err != nil {
		return nil, fmt.Errorf("--tracing-endpoint %s: %w", f.endpoint, err)
	}
	tracing.UseProvider(provider)
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
		defer cancel()
		tracing.UseProvider(nil)
		if err := provider.Shutdown(ctx); err != nil {
			klog.Background().Error(err, "Sending the last spans", "endpoint", f.endpoint)
		}
	}, nil
}

// traceRequests has requests that belong to a trace carry it, so that an API server that traces
// too adds what it did, and gives each a span. Other requests, such as watches, are left alone.
func traceRequests(connection *rest.Config) {
	if !tracing.IsEnabled() {
		return
	}
	connection.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return otelhttp.NewTransport(next, otelhttp.WithPropagators(componenttracing.Propagators()),
			otelhttp.WithFilter(func(request *http.Request) bool { return trace.SpanContextFromContext(request.Context()).IsSampled() }))
	})
}
