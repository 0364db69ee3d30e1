package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/klog/v2"
)

// serveReadiness answers /readyz and /metrics until ctx ends. It returns the address on
// which it does.
func serveReadiness(ctx context.Context, address string, ready *atomic.Bool) (net.Addr, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serving /readyz: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(response http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			http.Error(response, "not all nodes are published yet", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(response, "ok")
	})
	mux.Handle("/metrics", legacyregistry.Handler())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close() // nobody is left to tell
	}()
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			klog.FromContext(ctx).Error(err, "Serving /readyz ended")
		}
	}()
	return listener.Addr(), nil
}
