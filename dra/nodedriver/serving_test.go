package nodedriver

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	drapb "k8s.io/kubelet/pkg/apis/dra/v1"
)

// answering is a driver that prepares nothing.
type answering struct {
	drapb.UnimplementedDRAPluginServer
}

func (answering) NodePrepareResources(context.Context, *drapb.NodePrepareResourcesRequest) (*drapb.NodePrepareResourcesResponse, error) {
	return &drapb.NodePrepareResourcesResponse{}, nil
}

// The driver is healthy while it answers on its socket, one of two during an upgrade.
func TestServeHealth(t *testing.T) {
	directory := t.TempDir()
	address, err := ServeHealth(t.Context(), "127.0.0.1:0", directory)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := grpc.NewClient(address.String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	client := grpc_health_v1.NewHealthClient(connection)
	check := func(when string, want grpc_health_v1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		answer, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "liveness"})
		if err != nil || answer.GetStatus() != want {
			t.Errorf("%s: got %v, %v; want %v", when, answer, err, want)
		}
	}
	check("without a socket", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	mute, err := net.Listen("unix", filepath.Join(directory, "dra-old.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	check("with a driver that hangs", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	listener, err := net.Listen("unix", filepath.Join(directory, "dra.sock"))
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	drapb.RegisterDRAPluginServer(server, answering{})
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	check("with two, of which one answers", grpc_health_v1.HealthCheckResponse_SERVING)
	if _, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "other"}); err == nil {
		t.Error("an unknown service is healthy")
	}
}
