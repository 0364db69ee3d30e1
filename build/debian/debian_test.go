package debian

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseLock(t *testing.T) {
	digest := strings.Repeat("a", 64)
	packages := []Package{{Name: "base-files", Version: "12.4+deb12u15", Architecture: "amd64", SHA256: digest},
		{Name: "libc6", Version: "2.36-9", Architecture: "amd64", SHA256: digest}}
	got, err := parseLock(FormatLock(packages), "amd64")
	if diff := cmp.Diff(packages, got); err != nil || diff != "" {
		t.Errorf("read back: %v (-want +got):\n%s", err, diff)
	}
	if want, got := "pkg:deb/debian/base-files@12.4%2Bdeb12u15?arch=amd64&distro=bookworm", packages[0].PURL(); got != want {
		t.Errorf("PURL %s, want %s", got, want)
	}
	for text, want := range map[string]string{
		FormatLock(packages[:1]): "packages.lock pins 1 packages for amd64, want base-files and libc6",
		"libc6 amd64 2.36 aa":    "packages.lock:1:",
		"libc6 amd64":            "packages.lock:1:",
	} {
		if _, err := parseLock(text, "amd64"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestKeepFile(t *testing.T) {
	for name, want := range map[string]bool{
		"lib/x86_64-linux-gnu/libc.so.6": true, "usr/share/doc/libc6/copyright": true, "usr/share/doc/libc6/NEWS.gz": false,
		"usr/share/doc": false, "usr/lib/aarch64-linux-gnu/gconv/UTF-16.so": false, "usr/lib/os-release": true,
	} {
		if got := keepFile(name); got != want {
			t.Errorf("keepFile(%s) = %v, want %v", name, got, want)
		}
	}
}
