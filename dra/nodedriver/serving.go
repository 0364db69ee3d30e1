package nodedriver

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"k8s.io/klog/v2"
	drapb "k8s.io/kubelet/pkg/apis/dra/v1"
)

// probeTimeout is how long the driver may take to answer itself.
const probeTimeout = time.Second

// healthServer answers the kubelet's gRPC probes by asking the driver as the kubelet does,
// over its socket.
type healthServer struct {
	grpc_health_v1.UnimplementedHealthServer
	directory string
}

// Check implements grpc_health_v1.HealthServer. The service is "", "liveness" or "readiness",
// which are the same: a driver that does not answer cannot prepare anything.
func (s *healthServer) Check(ctx context.Context, request *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	switch request.GetService() {
	case "", "liveness", "readiness":
	default:
		return nil, status.Errorf(codes.NotFound, "unknown service %q: want liveness or readiness", request.GetService())
	}
	answer := grpc_health_v1.HealthCheckResponse_SERVING
	if err := s.askDriver(ctx); err != nil {
		klog.FromContext(ctx).Error(err, "The driver does not answer on its socket")
		answer = grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	return &grpc_health_v1.HealthCheckResponse{Status: answer}, nil
}

// askDriver prepares no claims.
func (s *healthServer) askDriver(ctx context.Context) error {
	sockets, err := filepath.Glob(filepath.Join(s.directory, "dra*.sock"))
	if err != nil || len(sockets) == 0 {
		return fmt.Errorf("no socket dra*.sock in %s", s.directory)
	}
	for _, socket := range sockets { // during an upgrade there are two
		if err = askSocket(ctx, socket); err == nil {
			return nil
		}
	}
	return err
}

func askSocket(ctx context.Context, socket string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("asking the driver on %s: %w", socket, err)
	}
	defer connection.Close()
	if _, err := drapb.NewDRAPluginClient(connection).NodePrepareResources(ctx, &drapb.NodePrepareResourcesRequest{}); err != nil {
		return fmt.Errorf("asking the driver on %s: %w", socket, err)
	}
	return nil
}

// ServeHealth answers gRPC health checks (grpc.health.v1) about the driver whose sockets are
// in a directory until ctx ends. It returns the address on which it does.
func ServeHealth(ctx context.Context, address, directory string) (net.Addr, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serving gRPC health checks: %w", err)
	}
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, &healthServer{directory: directory})
	go func() {
		<-ctx.Done()
		server.Stop()
	}()
	go func() {
		if err := server.Serve(listener); err != nil {
			klog.FromContext(ctx).Error(err, "Serving gRPC health checks ended")
		}
	}()
	return listener.Addr(), nil
}
