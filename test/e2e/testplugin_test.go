package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// pluginVariable makes the test binary a device plugin that hands out two GPUs.
const pluginVariable = "E2E_TEST_PLUGIN"

const pluginGPUs = "nvidia.com/gpu"

// testPlugin is a device plugin beside Ashlar's driver, as NVIDIA's is on many nodes.
type testPlugin struct {
	pluginapi.UnimplementedDevicePluginServer
}

// runTestPlugin is the plugin's process, on the node.
func runTestPlugin() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	const socket = "e2e.sock"
	path := filepath.Join(pluginapi.DevicePluginPath, socket)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	pluginapi.RegisterDevicePluginServer(server, testPlugin{})
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	defer server.Stop()
	connection, err := grpc.NewClient("unix://"+pluginapi.KubeletSocket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = pluginapi.NewRegistrationClient(connection).Register(ctx, &pluginapi.RegisterRequest{
		Version: pluginapi.Version, Endpoint: socket, ResourceName: pluginGPUs,
	})
	if err != nil {
		return fmt.Errorf("registering: %w", err)
	}
	fmt.Println("registered")
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// GetDevicePluginOptions implements pluginapi.DevicePluginServer.
func (testPlugin) GetDevicePluginOptions(context.Context, *pluginapi.Empty) (*pluginapi.DevicePluginOptions, error) {
	return &pluginapi.DevicePluginOptions{}, nil
}

// ListAndWatch implements pluginapi.DevicePluginServer.
func (testPlugin) ListAndWatch(_ *pluginapi.Empty, stream grpc.ServerStreamingServer[pluginapi.ListAndWatchResponse]) error {
	err := stream.Send(&pluginapi.ListAndWatchResponse{Devices: []*pluginapi.Device{
		{ID: "GPU-0", Health: pluginapi.Healthy}, {ID: "GPU-1", Health: pluginapi.Healthy},
	}})
	if err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

// Allocate implements pluginapi.DevicePluginServer.
func (testPlugin) Allocate(_ context.Context, request *pluginapi.AllocateRequest) (*pluginapi.AllocateResponse, error) {
	response := &pluginapi.AllocateResponse{}
	for range request.ContainerRequests {
		response.ContainerResponses = append(response.ContainerResponses, &pluginapi.ContainerAllocateResponse{})
	}
	return response, nil
}
