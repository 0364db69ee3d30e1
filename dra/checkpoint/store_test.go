package checkpoint

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology"
)

var update = flag.Bool("update", false, "write testdata/version-1.jsonl anew; only while version 1 was never released")

var ignoreUnknown = cmpopts.IgnoreUnexported(Claim{}, Device{}, Instance{}, MPSLimits{})

// exampleClaims have every field.
func exampleClaims() []Claim {
	return []Claim{
		{
			UID: "11111111-aaaa", Namespace: "team-a", Name: "infer-gpu", State: StatePrepareCompleted,
			Devices: []Device{{
				Name: "gpu-0-mig-1g10gb-19-6", Request: "slice/small", Form: dra.FormMIG,
				GPU: "GPU-00", BusID: "0000:1b:00.0", Index: 0, Minor: 3,
				ProfileID: 19, Profile: "1g.10gb", PlacementStart: 6, PlacementSize: 1, Bytes: 9984 * topology.MiB,
				Instance: &Instance{ID: 7, ComputeID: 0, UUID: "MIG-5c", Minor: 66, ComputeMinor: 67},
				MIGMode:  "on", CDI: []string{"k8s.gpu.ashlar.dev/claim=11111111-aaaa-gpu-0-mig-1g10gb-19-6"},
			}},
		},
		{
			UID: "22222222-bbbb", Namespace: "team-b", Name: "notebook", State: StatePrepareStarted,
			Devices: []Device{
				{
					Name: "gpu-1-share", Request: "share", ShareID: "5d0e", Form: dra.FormShare, GPU: "GPU-01", Index: 1, Minor: 1,
					Bytes: 20 * topology.GiB, MIGMode: "off", TimeSlice: new(hardware.LongTimeSlice),
					MPS: &MPSLimits{ActiveThreads: 25, PinnedBytes: 20 * topology.GiB},
				},
				{Name: "gpu-2", Request: "watch", Admin: true, Form: dra.FormGPU, GPU: "GPU-02", Index: 2, Minor: 2, Bytes: 80 * topology.GiB},
			},
		},
	}
}

func openStore(t *testing.T, path, boot string) *Store {
	t.Helper()
	store, damage, err := OpenStore(StoreOptions{Path: path, BootID: boot})
	if err != nil || damage != nil {
		t.Fatalf("OpenStore: damage %v, error %v", damage, err)
	}
	return store
}

func putClaims(t *testing.T, store *Store, claims []Claim) {
	t.Helper()
	for _, claim := range claims {
		if err := store.PutClaim(claim); err != nil {
			t.Fatal(err)
		}
	}
}

// A checkpoint that version 1 wrote must be readable by whatever comes after it.
func TestVersion1StaysReadable(t *testing.T) {
	golden := filepath.Join("testdata", "version-1.jsonl")
	path := filepath.Join(t.TempDir(), "checkpoint")
	putClaims(t, openStore(t, path, "boot-1"), exampleClaims())
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("what is written (-want +got):\n%s", diff)
	}
	header, claims, err := decodeFile(want)
	if err != nil || header.BootID != "boot-1" {
		t.Fatalf("decodeFile: boot %q, error %v", header.BootID, err)
	}
	if diff := cmp.Diff(exampleClaims(), claims, ignoreUnknown); diff != "" {
		t.Errorf("what is read (-want +got):\n%s", diff)
	}
}

func TestStoreOutlivesItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	putClaims(t, openStore(t, path, "boot-1"), exampleClaims())
	again := openStore(t, path, "boot-1")
	if diff := cmp.Diff(exampleClaims(), again.PreparedClaims(), ignoreUnknown); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	if err := again.DeleteClaim("11111111-aaaa"); err != nil {
		t.Fatal(err)
	}
	if err := again.DeleteClaim("never there"); err != nil {
		t.Errorf("deleting what is not there: %v", err)
	}
	if got := openStore(t, path, "boot-1").PreparedClaims(); len(got) != 1 || got[0].Name != "notebook" {
		t.Errorf("after deleting one: %v", got)
	}
}

func TestClaimsOfAnotherBootLapse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	putClaims(t, openStore(t, path, "boot-1"), exampleClaims())
	for _, claim := range openStore(t, path, "boot-2").PreparedClaims() {
		if claim.State != StateLapsed || claim.HoldsDevices() {
			t.Errorf("claim %s is %s after a reboot", claim, claim.State)
		}
	}
}

// What a newer driver wrote into a record must be there when that driver runs again.
func TestUnknownFieldsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	putClaims(t, openStore(t, path, "boot-1"), exampleClaims()[:1])
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header, claims, err := decodeFile(text)
	if err != nil {
		t.Fatal(err)
	}
	header.unknown = unknownFields{"cluster": []byte(`"east"`)}
	claims[0].unknown = unknownFields{"pods": []byte(`["a","b"]`), "State": []byte(`"of another case"`)}
	claims[0].Devices[0].unknown = unknownFields{"vgpu": []byte(`{"type":7}`)}
	claims[0].Devices[0].Instance.unknown = unknownFields{"engines": []byte(`2`)}
	line, err := encodeClaim(claims[0])
	if err != nil {
		t.Fatal(err)
	}
	if text, err = encodeFile(header, map[types.UID][]byte{claims[0].UID: line}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	store := openStore(t, path, "boot-1")
	claim, _ := store.PreparedClaim(claims[0].UID)
	claim.State = StateUnprepareStarted
	putClaims(t, store, []Claim{claim})
	if text, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"cluster":"east"`, `"pods":["a","b"]`, `"State":"of another case"`, `"vgpu":{"type":7}`, `"engines":2`, `"state":"UnprepareStarted"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the file lacks %s:\n%s", want, text)
		}
	}
}

// Whatever is wrong with the file: it is set aside, the intact claims are kept, and the
// error says what to do.
func TestDamagedCheckpointIsSetAside(t *testing.T) {
	for name, tc := range map[string]struct {
		damage   func(text string) string
		wantKept int
		wantText string
	}{
		"a claim changed":     {func(s string) string { return strings.Replace(s, "notebook", "notebuch", 1) }, 1, "drain the node"},
		"a state forged":      {func(s string) string { return strings.Replace(s, "PrepareStarted", "PrepareComplete", 1) }, 1, "checksum"},
		"cut short":           {func(s string) string { return s[:len(s)-40] }, 1, "line 3"},
		"a claim missing":     {func(s string) string { return s[:strings.LastIndex(s[:len(s)-1], "\n")+1] }, 1, "1 intact claims of 2"},
		"the header changed":  {func(s string) string { return strings.Replace(s, "boot-1", "boot-7", 1) }, 2, "line 1: the checksum"},
		"a claim twice":       {func(s string) string { return s + s[strings.LastIndex(s[:len(s)-1], "\n")+1:] }, 2, "is there twice"},
		"empty":               {func(string) string { return "" }, 0, "line 1"},
		"zeros":               {func(s string) string { return strings.Repeat("\x00", len(s)) }, 0, "nvidia-smi mig -dci"},
		"of a newer version":  {func(string) string { return futureFile(t) }, 0, "run that driver again after moving the file back"},
		"another application": {func(string) string { return `{"checksum":123,"data":{}}` }, 0, "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "checkpoint")
			putClaims(t, openStore(t, path, "boot-1"), exampleClaims())
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damaged := tc.damage(string(text))
			if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
				t.Fatal(err)
			}
			store, damage, err := OpenStore(StoreOptions{Path: path, BootID: "boot-1"})
			if err != nil || damage == nil {
				t.Fatalf("OpenStore: damage %v, error %v", damage, err)
			}
			if len(store.PreparedClaims()) != tc.wantKept || damage.Kept != tc.wantKept || !store.IsIncomplete() {
				t.Errorf("kept %d claims (told %d), incomplete %v; want %d",
					len(store.PreparedClaims()), damage.Kept, store.IsIncomplete(), tc.wantKept)
			}
			if !strings.Contains(damage.Error(), tc.wantText) || !strings.Contains(damage.Error(), damage.Path) {
				t.Errorf("damage %q lacks %q or its path", damage, tc.wantText)
			}
			if aside, err := os.ReadFile(damage.Path); err != nil || string(aside) != damaged {
				t.Errorf("%s does not hold the file as it was: %v", damage.Path, err)
			}
			again := openStore(t, path, "boot-1")
			if len(again.PreparedClaims()) != tc.wantKept || !again.IsIncomplete() {
				t.Errorf("after a restart: %d claims, incomplete %v", len(again.PreparedClaims()), again.IsIncomplete())
			}
		})
	}
}

func futureFile(t *testing.T) string {
	t.Helper()
	text := `{"version":2,"claims":{"of":"another kind"}}`
	line, err := encodeLine(fileLine{Checksum: checksumOf([]byte(text)), Header: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return string(line) + "whatever version 2 has here\n"
}

// A crash after setting aside finds the damaged file again, and makes no second copy.
func TestSettingAsideTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	if err := os.WriteFile(path, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	crash := errors.New("crash")
	func() {
		defer func() {
			if recover() != crash { //nolint:errorlint // the same value
				t.Error("the write was not reached")
			}
		}()
		_, _, _ = OpenStore(StoreOptions{Path: path, BootID: "b", Between: func(string) { panic(crash) }})
	}()
	if _, damage, err := OpenStore(StoreOptions{Path: path, BootID: "b"}); err != nil || damage == nil {
		t.Fatalf("OpenStore: damage %v, error %v", damage, err)
	}
	names, err := filepath.Glob(path + ".damaged-*")
	if err != nil || len(names) != 1 {
		t.Errorf("set aside as %v, error %v; want one file", names, err)
	}
}

// Changes at the same time are all in the file when they return.
func TestStoreAtTheSameTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	writes := 0
	store, _, err := OpenStore(StoreOptions{Path: path, BootID: "b", Between: func(step string) {
		if step == "checkpoint synced" {
			writes++ // writes exclude one another
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 20 {
				uid := types.UID(fmt.Sprintf("%d-%d", worker, i))
				if err := store.PutClaim(Claim{UID: uid, State: StatePrepareStarted}); err != nil {
					t.Error(err)
				}
				text, err := os.ReadFile(path)
				if err != nil || !strings.Contains(string(text), `"uid":"`+string(uid)+`"`) {
					t.Errorf("%s is not in the file after PutClaim, error %v", uid, err)
				}
				if i%2 == 0 {
					if err := store.DeleteClaim(uid); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
	if got := len(openStore(t, path, "b").PreparedClaims()); got != 80 {
		t.Errorf("%d claims in the file, want 80", got)
	}
	t.Logf("240 changes in %d writes", writes)
}

// With a file that cannot be written, memory stays as it was.
func TestFailedWriteChangesNothing(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	store := openStore(t, filepath.Join(directory, "checkpoint"), "b")
	putClaims(t, store, exampleClaims()[:1])
	if err := os.RemoveAll(directory); err != nil {
		t.Fatal(err)
	}
	if err := store.PutClaim(exampleClaims()[1]); err == nil {
		t.Error("PutClaim without a directory succeeded")
	}
	if err := store.DeleteClaim(exampleClaims()[0].UID); err == nil {
		t.Error("DeleteClaim without a directory succeeded")
	}
	if diff := cmp.Diff(exampleClaims()[:1], store.PreparedClaims(), ignoreUnknown); diff != "" {
		t.Errorf("after failed writes (-want +got):\n%s", diff)
	}
}

func FuzzDecodeFile(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "version-1.jsonl"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add([]byte("{}\n{}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		header, claims, err := decodeFile(text)
		if err != nil {
			return
		}
		checkRoundTrip(t, header, claims)
	})
}

// FuzzDecodeRecord fuzzes what lies behind the checksum.
func FuzzDecodeRecord(f *testing.F) {
	f.Add([]byte(`{"uid":"u","state":"Lapsed","devices":[{"name":"gpu-0","x":1,"instance":{"id":1,"y":null},"mps":{"z":[]}}],"Uid":"v"}`))
	f.Add([]byte(`{"uid":"<&>","state":"PrepareStarted","devices":[null],"":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		line, err := encodeLine(fileLine{Checksum: checksumOf(text), Claim: text})
		if err != nil {
			return
		}
		claim, err := decodeClaim(line)
		if err != nil {
			return
		}
		checkRoundTrip(t, fileHeader{}, []Claim{claim})
	})
}

func checkRoundTrip(t *testing.T, header fileHeader, claims []Claim) {
	t.Helper()
	write := func(header fileHeader, claims []Claim) []byte {
		lines := map[types.UID][]byte{}
		for _, claim := range claims {
			line, err := encodeClaim(claim)
			if err != nil {
				t.Fatal(err)
			}
			lines[claim.UID] = line
		}
		text, err := encodeFile(header, lines)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	first := write(header, claims)
	header, claims, err := decodeFile(first)
	if err != nil {
		t.Fatalf("what was written cannot be read: %v\n%s", err, first)
	}
	if diff := cmp.Diff(string(first), string(write(header, claims))); diff != "" {
		t.Fatalf("(-first +second):\n%s", diff)
	}
}
