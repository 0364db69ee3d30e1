package rootfs

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

var someTime = time.Unix(1_700_000_000, 0)

func TestWriteTar(t *testing.T) {
	root := Root{}
	root.AddFile("/usr/bin/program", 0o755, []byte("x"))
	root.AddLink("bin", "usr/bin")
	root.AddAccounts()
	var got []string
	stream := writeRoot(t, root)
	reader := tar.NewReader(bytes.NewReader(stream))
	for {
		header, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !header.ModTime.Equal(someTime) || header.Uid != 0 || header.Gid != 0 || header.Uname != "" {
			t.Errorf(
				"%s: time %v, owner %d:%d %q, want %v and root by number",
				header.Name,
				header.ModTime,
				header.Uid,
				header.Gid,
				header.Uname,
				someTime,
			)
		}
		got = append(got, fmt.Sprintf("%s %o", header.Name, header.Mode))
	}
	want := "bin 777, etc/ 755, etc/group 644, etc/nsswitch.conf 644, etc/passwd 644, tmp/ 1777, usr/ 755, usr/bin/ 755, usr/bin/program 755"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
	if !bytes.Equal(stream, writeRoot(t, root)) {
		t.Error("the same root was written in two ways")
	}
}

func TestAddTar(t *testing.T) {
	for name, tc := range map[string]struct {
		header tar.Header
		want   string // path, "" where it is left out
		fails  bool
	}{
		"a file":            {header: tar.Header{Name: "./lib/x.so", Typeflag: tar.TypeReg, Mode: 0o644}, want: "lib/x.so"},
		"out of the root":   {header: tar.Header{Name: "../../etc/x", Typeflag: tar.TypeReg, Mode: 0o644}, want: "etc/x"},
		"left out":          {header: tar.Header{Name: "./doc/x", Typeflag: tar.TypeReg, Mode: 0o644}},
		"a device":          {header: tar.Header{Name: "dev/null", Typeflag: tar.TypeChar}, fails: true},
		"a link to nowhere": {header: tar.Header{Name: "a", Linkname: "b", Typeflag: tar.TypeLink}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			var stream bytes.Buffer
			writer := tar.NewWriter(&stream)
			if err := writer.WriteHeader(&tc.header); err != nil {
				t.Fatal(err)
			}
			root := Root{}
			err := root.AddTar(&stream, func(name string) bool { return !strings.HasPrefix(name, "doc/") })
			if _, found := root[tc.want]; (err != nil) != tc.fails || (tc.want != "") != found {
				t.Errorf("got %v, %v, want %q, error %v", root, err, tc.want, tc.fails)
			}
		})
	}
}

func TestFileAboveFile(t *testing.T) {
	root := Root{}
	root.AddLink("lib", "usr/lib")
	root.AddFile("lib/x.so", 0o644, nil)
	if err := root.WriteTar(io.Discard, someTime); err == nil || !strings.Contains(err.Error(), "lib/x.so is below lib") {
		t.Errorf("a file below a link was written: %v", err)
	}
}

func TestAddCertificates(t *testing.T) {
	root := Root{}
	if err := root.AddCertificates(); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(root[CertificateFile].Content) {
		t.Error("the file of certificates has none that Go reads")
	}
	if got := bytes.Count(root[CertificateFile].Content, []byte("BEGIN CERTIFICATE")); got < 100 {
		t.Errorf("%d authorities, want at least 100", got)
	}
}

func writeRoot(t *testing.T, root Root) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := root.WriteTar(&out, someTime); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
