package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	// credentialLife is longer than any cluster of this package lives.
	credentialLife = 10 * 365 * 24 * time.Hour
	// tokenLife is how long a ServiceAccount's token lasts.
	tokenLife = 24 * time.Hour
)

// users are those who show the API server a token of its token file, and their
// group. KWOK writes the status of every pod and node, as administrator.
var users = map[string]struct{ name, group string }{
	admin:             {"admin", "system:masters"},
	kwok:              {"kwok", "system:masters"},
	controllerManager: {"system:kube-controller-manager", ""},
	scheduler:         {"system:kube-scheduler", ""},
}

// admin is who the owner of the cluster is to the API server.
const admin = "admin"

// clusterCredentials are the files with which a cluster's components know one another.
type clusterCredentials struct {
	folder string
	// ca is the certificate that vouches for all servers, in PEM.
	ca []byte
	// authority and authorityKey sign certificates of clients. The key is in memory only.
	authority    *x509.Certificate
	authorityKey *ecdsa.PrivateKey
	// token[u] is the token of users[u].
	token map[string]string
}

func (c *clusterCredentials) caFile() string   { return filepath.Join(c.folder, "ca.crt") }
func (c *clusterCredentials) certFile() string { return filepath.Join(c.folder, "server.crt") }
func (c *clusterCredentials) keyFile() string  { return filepath.Join(c.folder, "server.key") }
func (c *clusterCredentials) signerFile() string {
	return filepath.Join(c.folder, "service-accounts.key")
}
func (c *clusterCredentials) tokensFile() string { return filepath.Join(c.folder, "tokens.csv") }

// kubeletClientFile holds the certificate, or its key, by which kubelets know the API server.
func (c *clusterCredentials) kubeletClientFile(kind string) string {
	return filepath.Join(c.folder, "kubelet-client."+kind)
}

// newCredentials writes the credentials of a new cluster into a folder.
func newCredentials(folder string) (*clusterCredentials, error) {
	c := &clusterCredentials{folder: folder, token: map[string]string{}}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("making room for credentials: %w", err)
	}
	if err := c.writeCertificates(); err != nil {
		return nil, fmt.Errorf("making certificates: %w", err)
	}
	signer, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("making the key for ServiceAccounts: %w", err)
	}
	if err := writeKey(c.signerFile(), signer); err != nil {
		return nil, fmt.Errorf("making the key for ServiceAccounts: %w", err)
	}
	var lines strings.Builder
	for id, user := range users {
		c.token[id] = rand.Text()
		fmt.Fprintf(&lines, "%s,%s,%s", c.token[id], user.name, id)
		if user.group != "" {
			lines.WriteString("," + user.group)
		}
		lines.WriteByte('\n')
	}
	if err := os.WriteFile(c.tokensFile(), []byte(lines.String()), 0o600); err != nil {
		return nil, fmt.Errorf("writing the token file: %w", err)
	}
	return c, nil
}

// writeCertificates makes a certificate authority, one certificate for every server of
// the cluster, and that of the API server as a client of kubelets.
func (c *clusterCredentials) writeCertificates() error {
	authorityKey, err := newKey()
	if err != nil {
		return err
	}
	serverKey, err := newKey()
	if err != nil {
		return err
	}
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "ashlar-cluster"},
		NotBefore:             now.Add(-time.Hour), // clocks differ a little
		NotAfter:              now.Add(credentialLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "kube-apiserver"},
		NotBefore:    authority.NotBefore,
		NotAfter:     authority.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(firstServiceIP)},
		DNSNames: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
			"kubernetes.default.svc.cluster.local"},
	}
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return err
	}
	c.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(c.caFile(), c.ca, 0o600); err != nil {
		return err
	}
	der, err = x509.CreateCertificate(rand.Reader, server, authority, serverKey.Public(), authorityKey)
	if err != nil {
		return err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(c.certFile(), certificate, 0o600); err != nil {
		return err
	}
	if err := writeKey(c.keyFile(), serverKey); err != nil {
		return err
	}
	c.authority, c.authorityKey = authority, authorityKey
	certificate, key, err := c.signClient("kube-apiserver-kubelet-client", "system:masters")
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.kubeletClientFile("crt"), certificate, 0o600); err != nil {
		return err
	}
	return os.WriteFile(c.kubeletClientFile("key"), key, 0o600)
}

// signClient makes a certificate with which its bearer is a user of a group, and its
// key, both in PEM.
func (c *clusterCredentials) signClient(user, group string) (certificate, key []byte, err error) {
	private, err := newKey()
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, nil, err
	}
	client := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: user, Organization: []string{group}},
		NotBefore:    c.authority.NotBefore,
		NotAfter:     c.authority.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, client, c.authority, private.Public(), c.authorityKey)
	if err != nil {
		return nil, nil, err
	}
	if key, err = encodeKey(private); err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key, nil
}

func newKey() (*ecdsa.PrivateKey, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	text, err := encodeKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

// kubeconfigPath is where the kubeconfig of a user or ServiceAccount is.
func (c *Cluster) kubeconfigPath(who string) string {
	return filepath.Join(c.dir, who+".kubeconfig")
}

// writeKubeconfig writes a kubeconfig that needs no other file.
func (c *Cluster) writeKubeconfig(who, namespace, token string) error {
	return c.writeKubeconfigOf(who, namespace, &clientcmdapi.AuthInfo{Token: token})
}

func (c *Cluster) writeKubeconfigOf(who, namespace string, proof *clientcmdapi.AuthInfo) error {
	config := clientcmdapi.NewConfig()
	config.Clusters["ashlar"] = &clientcmdapi.Cluster{Server: c.server, CertificateAuthorityData: c.credentials.ca}
	config.AuthInfos[who] = proof
	config.Contexts["ashlar"] = &clientcmdapi.Context{Cluster: "ashlar", AuthInfo: who, Namespace: namespace}
	config.CurrentContext = "ashlar"
	if err := clientcmd.WriteToFile(*config, c.kubeconfigPath(who)); err != nil {
		return fmt.Errorf("writing kubeconfig of %s: %w", who, err)
	}
	return nil
}

// Kubeconfig returns the path of the administrator's kubeconfig.
func (c *Cluster) Kubeconfig() string { return c.kubeconfigPath(admin) }

// KubeconfigFor writes a kubeconfig with which its bearer is an existing
// ServiceAccount, for a day, and returns its path.
func (c *Cluster) KubeconfigFor(ctx context.Context, namespace, serviceAccount string) (string, error) {
	return c.kubeconfigBy(ctx, namespace, serviceAccount, nil)
}

// KubeconfigOf is KubeconfigFor the ServiceAccount of a pod, which exists and has a node: the
// API server then knows on which node its bearer is.
func (c *Cluster) KubeconfigOf(ctx context.Context, pod *corev1.Pod) (string, error) {
	return c.kubeconfigBy(ctx, pod.Namespace, pod.Spec.ServiceAccountName,
		&authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID})
}

func (c *Cluster) kubeconfigBy(
	ctx context.Context,
	namespace, serviceAccount string,
	bound *authenticationv1.BoundObjectReference,
) (string, error) {
	seconds := int64(tokenLife / time.Second)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds, BoundObjectRef: bound}}
	granted, err := c.client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, serviceAccount, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("requesting a token for ServiceAccount %s/%s: %w", namespace, serviceAccount, err)
	}
	who := namespace + "." + serviceAccount
	if err := c.writeKubeconfig(who, namespace, granted.Status.Token); err != nil {
		return "", err
	}
	return c.kubeconfigPath(who), nil
}
