package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/ashlar-dev/ashlar/plugins/tracing"
)

// fakeCollector receives spans as a collector does.
type fakeCollector struct {
	collector.UnimplementedTraceServiceServer
	mutex sync.Mutex
	// got are the services and names of the spans that came.
	got []string
}

func (c *fakeCollector) Export(
	_ context.Context, request *collector.ExportTraceServiceRequest,
) (*collector.ExportTraceServiceResponse, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, resource := range request.ResourceSpans {
		service := ""
		for _, attribute := range resource.Resource.Attributes {
			if attribute.Key == "service.name" {
				service = attribute.Value.GetStringValue()
			}
		}
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				c.got = append(c.got, service+": "+span.Name)
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// serveCollector serves a collector until the test ends, and returns its address.
func serveCollector(t *testing.T, c *fakeCollector) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(listener) }() // ends with Stop
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func parseTracing(t *testing.T, args ...string) *tracingFlags {
	t.Helper()
	flags, parsed := pflag.NewFlagSet("scheduler", pflag.ContinueOnError), &tracingFlags{}
	parsed.addTo(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return parsed
}

// Spans of a cycle, and of the requests in it, reach a collector; an API server is told the trace.
func TestSpansReachACollector(t *testing.T) {
	var traced []string // "traceparent" of each request
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		traced = append(traced, r.Header.Get("Traceparent"))
	}))
	defer server.Close()
	c := &fakeCollector{}
	flush, err := parseTracing(t, "--tracing-endpoint="+serveCollector(t, c)).startTracing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer flush()
	connection := &rest.Config{Host: server.URL}
	traceRequests(connection)
	client, err := rest.HTTPClientFor(connection)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(ctx context.Context) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPatch, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cycle := tracing.BeginCycle(&v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "pod"}})
	ctx, step := cycle.StartStep(t.Context(), "PreBind")
	ask(ctx)
	ask(t.Context()) // such as a watch: of no cycle
	step.EndStep(nil)
	cycle.EndCycle(tracing.Bound, "")
	flush()
	if len(traced) != 2 || traced[0] == "" || traced[1] != "" {
		t.Errorf("traceparent of the requests: got %q, want one and none", traced)
	}
	slices.Sort(c.got)
	want := []string{"ashlar-scheduler: HTTP PATCH", "ashlar-scheduler: PreBind", "ashlar-scheduler: scheduling cycle"}
	if diff := cmp.Diff(want, c.got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	if tracing.IsEnabled() {
		t.Error("spans are made after the last were sent")
	}
}

func TestTracingFlags(t *testing.T) {
	for name, tc := range map[string]struct {
		args    []string
		wantOn  bool
		wantErr string // a part of it
	}{
		"off":       {},
		"on":        {args: []string{"--tracing-endpoint=localhost:4317"}, wantOn: true},
		"some":      {args: []string{"--tracing-endpoint=localhost:4317", "--tracing-sampling-rate-per-million=1000"}, wantOn: true},
		"nowhere":   {args: []string{"--tracing-sampling-rate-per-million=1000"}, wantErr: "without --tracing-endpoint"},
		"over HTTP": {args: []string{"--tracing-endpoint=https://collector:4318"}, wantErr: "--tracing-endpoint https://collector:4318"},
		"too many": {
			args:    []string{"--tracing-endpoint=a:1", "--tracing-sampling-rate-per-million=1000001"},
			wantErr: "less than or equal to one million",
		},
		"less than few": {args: []string{"--tracing-endpoint=a:1", "--tracing-sampling-rate-per-million=-1"}, wantErr: "must be positive"},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := parseTracing(t, tc.args...).toConfiguration()
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Errorf("got error %v, want one with %q", err, tc.wantErr)
				}
				return
			}
			if err != nil || (config != nil) != tc.wantOn {
				t.Errorf("got %v, %v; on: want %t", config, err, tc.wantOn)
			}
		})
	}
}
