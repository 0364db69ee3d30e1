package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// writePlainly writes a pair over the files that are there.
func writePlainly(t *testing.T, dir string, pair *certificatePair) {
	t.Helper()
	for name, data := range map[string][]byte{corev1.TLSCertKey: pair.certificate, corev1.TLSPrivateKeyKey: pair.key} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// writeAsKubelet writes a pair as a kubelet does with a Secret: into a directory of its own, which
// replaces the one to which the files lead in one step.
func writeAsKubelet(t *testing.T, dir string, pair *certificatePair) {
	t.Helper()
	const data = "..data"
	version, err := os.MkdirTemp(dir, "..version-")
	if err != nil {
		t.Fatal(err)
	}
	writePlainly(t, version, pair)
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.Readlink(filepath.Join(dir, data))
	if err == nil {
		link(filepath.Base(version), data+"_tmp")
		if err := os.Rename(filepath.Join(dir, data+"_tmp"), filepath.Join(dir, data)); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, before)); err != nil {
			t.Fatal(err)
		}
		return
	}
	link(filepath.Base(version), data)
	for _, name := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
		link(filepath.Join(data, name), name)
	}
}

// freePort is a port on which nobody listens.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

// servedLeaf is the certificate that a server shows, nil if it does not answer.
func servedLeaf(port int) []byte {
	// Whether it is the right one is compared by its caller.
	connection, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return nil
	}
	defer func() { _ = connection.Close() }()
	return connection.ConnectionState().PeerCertificates[0].Raw
}

// A certificate that somebody else keeps, such as cert-manager, is served as it is, and the next one once its
// files are there, without a restart.
func TestCertificateOfFilesIsRotated(t *testing.T) {
	for name, write := range map[string]func(*testing.T, string, *certificatePair){
		"files written over": writePlainly, "a Secret's volume": writeAsKubelet,
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions()
			o.certDir, o.bindAddress, o.port = t.TempDir(), "127.0.0.1", freePort(t)
			newPair := func() *certificatePair {
				pair, err := o.newPair()
				if err != nil {
					t.Fatal(err)
				}
				write(t, o.certDir, pair)
				return pair
			}
			pair := newPair()
			server, err := o.newServer(nil)
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- server.Start(ctx) }()
			defer func() {
				stop()
				if err := <-ended; err != nil {
					t.Errorf("the server ended with %v", err)
				}
			}()
			for rotation := range 3 {
				deadline := time.Now().Add(30 * time.Second)
				for !bytes.Equal(servedLeaf(o.port), pair.parsed.Leaf.Raw) {
					if time.Now().After(deadline) {
						t.Fatalf("after %d rotations the certificate of the files is not served", rotation)
					}
					time.Sleep(20 * time.Millisecond)
				}
				pair = newPair()
			}
		})
	}
}

func TestCertificateOfFilesThatIsNone(t *testing.T) {
	one, other := testOptions(), testOptions()
	first, err := one.newPair()
	if err != nil {
		t.Fatal(err)
	}
	second, err := other.newPair()
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(dir string){
		"no files": func(string) {},
		"rubbish":  func(dir string) { writePlainly(t, dir, &certificatePair{certificate: []byte("x"), key: []byte("y")}) },
		"another key": func(dir string) {
			writePlainly(t, dir, &certificatePair{certificate: first.certificate, key: second.key})
		},
	} {
		t.Run(name, func(t *testing.T) {
			one.certDir = t.TempDir()
			write(one.certDir)
			if _, err := one.newServer(nil); err == nil || !strings.Contains(err.Error(), "--cert-dir "+one.certDir+": want tls.crt and tls.key") {
				t.Errorf("got %v, want what is to be there", err)
			}
		})
	}
}
