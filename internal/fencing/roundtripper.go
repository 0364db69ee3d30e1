package fencing

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
)

// WrapConfig returns a copy of a connection whose writes go through the fence, on connections of
// their own. Reads go where they went.
func (f *Fence) WrapConfig(connection *rest.Config) (*rest.Config, error) {
	guarded := rest.CopyConfig(connection)
	guarded.Dial = f.dialContext(connection.Dial)
	writes, err := rest.TransportFor(guarded)
	if err != nil {
		return nil, fmt.Errorf("making a connection for writes to %s: %w", connection.Host, err)
	}
	fenced := rest.CopyConfig(connection)
	fenced.Wrap(func(reads http.RoundTripper) http.RoundTripper {
		return &roundTripper{fence: f, reads: reads, writes: writes}
	})
	return fenced, nil
}

// electionPath is in the path of Leases and LeaseCandidates.
const electionPath = "/apis/coordination.k8s.io/"

// roundTripper refuses requests that write while the fence is closed.
type roundTripper struct {
	fence         *Fence
	reads, writes http.RoundTripper
}

// RoundTrip implements http.RoundTripper. A request that may write has no longer than the fence
// stays open.
func (t *roundTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	switch {
	case request.Method == http.MethodGet, request.Method == http.MethodHead, request.Method == http.MethodOptions, request.Method == "":
		return t.reads.RoundTrip(request)
	case strings.Contains(request.URL.Path, electionPath):
		return t.reads.RoundTrip(request) // who does not lead yet must be able to stand for it
	}
	left, open := t.fence.beginWrite()
	if !open {
		if request.Body != nil {
			_ = request.Body.Close() // as the contract of RoundTrip asks
		}
		return nil, fmt.Errorf("%s %s: %w", request.Method, request.URL.Path, ErrNotLeader)
	}
	ctx, cancel := context.WithTimeoutCause(request.Context(), left, ErrNotLeader)
	end := sync.OnceFunc(func() {
		cancel()
		t.fence.endWrite()
	})
	response, err := t.writes.RoundTrip(request.WithContext(ctx))
	if err != nil {
		end()
		return nil, err
	}
	response.Body = &endingBody{ReadCloser: response.Body, end: end}
	return response, nil
}

// endingBody ends its request when it is closed.
type endingBody struct {
	io.ReadCloser

	end func()
}

// Close implements io.Closer.
func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
