package cluster

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// networkConfig is the network of pods. The node's program is its plugin.
const networkConfig = `{"cniVersion": "1.0.0", "name": "loopback-only", "plugins": [{"type": "loopback-only"}]}
`

// writeFiles writes the configuration of the node's containerd and kubelet.
func (n *Node) writeFiles(port int, options NodeOptions) error {
	for path, text := range map[string]string{
		"containerd.toml":         n.containerdConfig(),
		"kubelet.yaml":            n.kubeletConfig(port, options),
		"cni/10-network.conflist": networkConfig,
	} {
		path = filepath.Join(n.dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making the folders of node %s: %w", n.name, err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return fmt.Errorf("writing the configuration of node %s: %w", n.name, err)
		}
	}
	for _, path := range []string{n.runtimePath(), filepath.Join(n.dir, "cni-bin", "loopback-only")} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making the folders of node %s: %w", n.name, err)
		}
		err := os.Symlink(n.cluster.options.Binaries.nodePath(), path)
		if err != nil && !errors.Is(err, os.ErrExist) { // this is another try, on another port
			return fmt.Errorf("naming the node's program on node %s: %w", n.name, err)
		}
	}
	return nil
}

// containerdConfig: the native snapshotter works on every file system, also where the
// machine is a container itself. A process without CAP_SYS_RESOURCE cannot lower an
// oom_score_adj, so none is lowered.
func (n *Node) containerdConfig() string {
	return fmt.Sprintf(`version = 4
root = "/var/lib/containerd"
state = "/run/containerd"
imports = []
disabled_plugins = [
  "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.erofs", "io.containerd.snapshotter.v1.overlayfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.nri.v1.nri",
]
[plugins."io.containerd.server.v1.grpc"]
  address = "/run/containerd/containerd.sock"
[[plugins."io.containerd.transfer.v1.local".unpack_config]]
  platform = "linux/%s"
  snapshotter = "native"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "native"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = %q
[plugins."io.containerd.cri.v1.runtime"]
  cdi_spec_dirs = ["/etc/cdi", %q]
  restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
  use_internal_loopback = true
  bin_dirs = [%q]
  conf_dir = %q
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  snapshotter = "native"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  BinaryName = %q
  SystemdCgroup = false
`, runtime.GOARCH, pauseImage, CDIFolder, filepath.Join(n.dir, "cni-bin"), filepath.Join(n.dir, "cni"),
		n.runtimePath())
}

// runtimePath is the node's program under the name by which it stands for runc.
func (n *Node) runtimePath() string { return filepath.Join(n.dir, "oci-runtime") }

func (n *Node) kubeletConfig(port int, options NodeOptions) string {
	var gates strings.Builder
	for _, gate := range slices.Sorted(maps.Keys(options.FeatureGates)) {
		fmt.Fprintf(&gates, "  %s: %t\n", gate, options.FeatureGates[gate])
	}
	credentials := n.cluster.credentials
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 127.0.0.1
port: %d
healthzPort: 0
tlsCertFile: %q
tlsPrivateKeyFile: %q
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: %q}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /%s
failCgroupV1: false
failSwapOn: false
resolvConf: ""
makeIPTablesUtilChains: false
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 50Mi}
volumePluginDir: /var/lib/kubelet/volume-plugins
# What a test waits for should not take a minute.
nodeStatusUpdateFrequency: 2s
syncFrequency: 10s
featureGates:
%s`, port, credentials.certFile(), credentials.keyFile(), credentials.caFile(), n.cgroup, gates.String())
}
