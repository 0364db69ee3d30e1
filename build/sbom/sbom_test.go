package sbom

import (
	"encoding/json"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestModuleComponents(t *testing.T) {
	info := &debug.BuildInfo{
		GoVersion: "go1.26.8 X:none",
		Main:      debug.Module{Path: "example.com/main", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "example.com/a", Version: "v1.0.0+incompatible"},
			{Path: "example.com/b", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v2.0.0"}},
		},
	}
	want := []Component{
		{Name: "stdlib", Version: "1.26.8", PURL: "pkg:golang/stdlib@1.26.8"},
		{Name: "example.com/main", Version: "v0.3.0", PURL: "pkg:golang/example.com/main@v0.3.0"},
		{Name: "example.com/a", Version: "v1.0.0+incompatible", PURL: "pkg:golang/example.com/a@v1.0.0%2Bincompatible"},
		{Name: "example.com/fork", Version: "v2.0.0", PURL: "pkg:golang/example.com/fork@v2.0.0"},
	}
	if diff := cmp.Diff(want, moduleComponents(info, "v0.3.0")); diff != "" {
		t.Errorf("components (-want +got):\n%s", diff)
	}
}

// The test's own program is one with modules.
func TestDocument(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	components, err := ProgramComponents(program, "v0.3.0")
	if err != nil {
		t.Fatal(err)
	}
	document := Document{Name: "ashlar", Version: "v0.3.0", Digest: "sha256:0", Created: time.Unix(0, 0), Components: components}
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(document.Components)
	if again, err := json.Marshal(document); err != nil || string(again) != string(text) {
		t.Errorf("the document depends on the order of the components: %v", err)
	}
	var read struct {
		SPDXVersion   string
		CreationInfo  struct{ Created string }
		Packages      []struct{ SPDXID, Name, DownloadLocation string }
		Relationships []struct{ SPDXElementID, RelatedSPDXElement string }
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	valid, ids := regexp.MustCompile(`^SPDXRef-[a-zA-Z0-9.-]+$`), map[string]bool{"SPDXRef-DOCUMENT": true}
	for _, p := range read.Packages {
		if !valid.MatchString(p.SPDXID) || ids[p.SPDXID] || p.DownloadLocation == "" {
			t.Errorf("package %+v: want an identifier of its own and a place", p)
		}
		ids[p.SPDXID] = true
	}
	for _, r := range read.Relationships {
		if !ids[r.SPDXElementID] || !ids[r.RelatedSPDXElement] {
			t.Errorf("%+v relates what is not there", r)
		}
	}
	if read.SPDXVersion != "SPDX-2.3" || read.CreationInfo.Created != "1970-01-01T00:00:00Z" || len(read.Packages) < 2 {
		t.Errorf("got %+v, want SPDX 2.3 of 1970 with at least 2 packages", read)
	}
}
