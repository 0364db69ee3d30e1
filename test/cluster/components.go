package cluster

import (
	"fmt"
	"path/filepath"
)

// Names of the components, as Options.Flags and log files call them.
const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
	kwok              = "kwok"
)

const (
	serviceRange   = "10.96.0.0/16"
	firstServiceIP = "10.96.0.1" // the Service kubernetes.default
	podRange       = "10.244.0.0/16"

	// advertisedIP becomes the endpoint of the Service kubernetes.default, where
	// the API server permits no loopback address. It is a documentation address
	// (RFC 5737): nothing on fake nodes connects to it, and the default, the
	// machine's own, does not exist on a machine without a network.
	advertisedIP = "192.0.2.1"
)

// etcd's sockets are named relative to its and the API server's working
// directory, the cluster's: a socket's full path may have 107 bytes at most, and
// state directories can be deeper. Sockets need no free port, and nobody but the
// directory's owner can open them, although etcd itself lets everybody in. etcd
// wants a port in the address and makes it a part of the file's name.
const (
	etcdAddress = "unix://etcd.sock:0"
	etcdSocket  = "etcd.sock:0"
	peerAddress = "unix://etcd-peer.sock:0"
)

func (c *Cluster) etcdFlags() []string {
	return []string{
		"--name=ashlar",
		"--data-dir=" + filepath.Join(c.dir, "etcd"),
		"--listen-client-urls=" + etcdAddress,
		"--advertise-client-urls=" + etcdAddress,
		"--listen-peer-urls=" + peerAddress,
		"--initial-advertise-peer-urls=" + peerAddress,
		"--initial-cluster=ashlar=" + peerAddress,
		"--unsafe-no-fsync", // a cluster that loses its machine is gone anyway
		"--quota-backend-bytes=8589934592",
		"--log-level=warn",
	}
}

func (c *Cluster) apiServerFlags(port int) []string {
	flags := []string{
		"--etcd-servers=" + etcdAddress,
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port),
		"--advertise-address=" + advertisedIP,
		"--tls-cert-file=" + c.credentials.certFile(),
		"--tls-private-key-file=" + c.credentials.keyFile(),
		"--client-ca-file=" + c.credentials.caFile(), // published for servers that delegate authentication
		"--requestheader-client-ca-file=" + c.credentials.caFile(),
		// To real nodes, for logs and exec.
		"--kubelet-preferred-address-types=InternalIP",
		"--kubelet-certificate-authority=" + c.credentials.caFile(),
		"--kubelet-client-certificate=" + c.credentials.kubeletClientFile("crt"),
		"--kubelet-client-key=" + c.credentials.kubeletClientFile("key"),
		"--requestheader-allowed-names=front-proxy-client",
		"--token-auth-file=" + c.credentials.tokensFile(),
		"--authorization-mode=Node,RBAC",
		"--service-cluster-ip-range=" + serviceRange,
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + c.credentials.signerFile(),
		"--service-account-signing-key-file=" + c.credentials.signerFile(),
		"--allow-privileged=true", // DRA drivers and device plugins ask for it
		// One client of a benchmark is as many requests as a whole cluster's.
		"--max-requests-inflight=2000",
		"--max-mutating-requests-inflight=1000",
	}
	if c.options.Kubelets == SilentKubelets {
		flags = append(flags, "--disable-admission-plugins=TaintNodesByCondition")
	}
	if c.options.Audit {
		flags = append(flags, c.auditFlags()...)
	}
	return flags
}

func (c *Cluster) controllerManagerFlags(port int) []string {
	flags := append(c.clientFlags(controllerManager, port),
		"--kubeconfig="+c.kubeconfigPath(controllerManager),
		"--use-service-account-credentials",
		"--service-account-private-key-file="+c.credentials.signerFile(),
		"--root-ca-file="+c.credentials.caFile(),
		"--leader-elect=false",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	)
	if c.options.Kubelets == SilentKubelets {
		flags = append(flags, "--controllers=*,-node-lifecycle-controller")
	}
	return flags
}

func (c *Cluster) schedulerFlags(port int) []string {
	return append(c.clientFlags(scheduler, port), "--config="+c.schedulerConfigPath())
}

// clientFlags are what the controller-manager and the scheduler have in common:
// each serves its health and metrics, and asks the API server who may see them.
func (c *Cluster) clientFlags(component string, port int) []string {
	return []string{
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port),
		"--tls-cert-file=" + c.credentials.certFile(),
		"--tls-private-key-file=" + c.credentials.keyFile(),
		"--authentication-kubeconfig=" + c.kubeconfigPath(component),
		"--authorization-kubeconfig=" + c.kubeconfigPath(component),
	}
}

func (c *Cluster) schedulerConfigPath() string {
	return filepath.Join(c.dir, "scheduler.yaml")
}

// schedulerConfig is the stock scheduler's default configuration with a client
// that is not the bottleneck.
func (c *Cluster) schedulerConfig() string {
	return fmt.Sprintf(`apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection:
  leaderElect: false
clientConnection:
  kubeconfig: %q
  qps: 2000
  burst: 4000
`, c.kubeconfigPath(scheduler))
}

func (c *Cluster) kwokFlags() []string {
	lease := leaseSeconds
	if c.options.Kubelets == SilentKubelets {
		lease = 0
	}
	return []string{
		"--kubeconfig=" + c.kubeconfigPath(kwok),
		"--config=" + c.stagesPath(),
		"--manage-nodes-with-label-selector=" + fakeLabel + "=" + fakeValue,
		"--node-ip=127.0.0.1",
		"--cidr=" + podRange,
		fmt.Sprintf("--node-lease-duration-seconds=%d", lease),
	}
}
