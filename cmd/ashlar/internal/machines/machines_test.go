package machines

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
)

// run calls ashlar topology with the given arguments.
func run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return clitest.RunCommand(t, NewCommand(), args...)
}

func TestGolden(t *testing.T) {
	tests := map[string][]string{
		"list.txt":               {"list"},
		"show-dgx1-v100.txt":     {"show", "dgx1-v100"},
		"show-dgx1-v100.json":    {"show", "dgx1-v100", "-o", "json"},
		"show-dgx-a100-40gb.txt": {"show", "dgx-a100/A100-SXM4-40GB"},
		"show-l40s-pairs.txt":    {"show", "8xpcie-pix-pairs/L40S"},
		"mig-h100.txt":           {"mig", "h100-sxm5-80gb"},
		"mig-a30.txt":            {"mig", "A30-24GB"},
		"mig-a30.json":           {"mig", "NVIDIA A30", "-o", "json"},
		"mig-rtx-pro-6000.txt":   {"mig", "RTX-PRO-6000"},
		"choose-pairs.txt":       {"choose", "8xA100-pcie-oddpairs", "--gpus", "2"},
		"choose-pairs.json":      {"choose", "8xA100-pcie-oddpairs", "--gpus", "2", "--busy", "4", "-o", "json"},
		"choose-first-fit.txt":   {"choose", "8xA100-pcie-oddpairs", "--gpus", "2", "--policy", "first-fit"},
		"choose-one.txt":         {"choose", "dgx1-v100", "--gpus", "1", "--busy", "1,0"},
		"choose-worse-left.txt":  {"choose", "dgx1-v100", "--gpus", "4", "--busy", "0,7"},
		"choose-refused.txt":     {"choose", "dgx-h100", "--gpus", "4", "--busy", "0,1,2,3,4"},
		"choose-refused.json":    {"choose", "dgx-h100", "--gpus", "4", "--busy", "0,1,2,3,4", "-o", "json"},
		"choose-never.txt":       {"choose", "4xA30-pcie", "--gpus", "8"},
		"import-hgx-h100.txt": {
			"import", "my-h100", "--topo", sample("hgx-h100.topo.txt"), "--query", sample("hgx-h100.query.txt"), "--source",
			"a rack",
		},
		"import-a30-box.txt": importA30("my-a30"),
		"import-driver-450.txt": {
			"import", "box", "--topo", "testdata/captures/two-cards.topo.txt", "--query", "testdata/captures/driver-450.query.txt",
		},
		"import-driver-450-named.txt": {
			"import", "box", "--topo", "testdata/captures/two-cards.topo.txt", "--query", "testdata/captures/driver-450.query.txt",
			"--gpu", "a100-pcie-40gb",
		},
		"import-joined.txt":     {"import", "box", "--topo", "testdata/captures/joined.topo.txt", "--gpu", "NVIDIA A100 80GB PCIe"},
		"import-driver-361.txt": {"import", "box", "--topo", "testdata/captures/driver-361.topo.txt", "--gpu", "RTX-3090"},
		"import-pci-alone.txt":  {"import", "box", "--topo", "testdata/captures/pci-alone.topo.txt", "--gpu", "H200-SXM-141GB"},
		"import-pci-cards.txt":  {"import", "box", "--topo", "testdata/captures/pci-alone.topo.txt", "--gpu", "H200-NVL-141GB"},
		"import-vgpu.txt": {
			"import", "box", "--topo", "testdata/captures/vgpu.topo.txt", "--query", "testdata/captures/vgpu.query.txt",
			"--compute-capability", "8.6", "--p2p", "no",
		},
		"imported-show.txt": {"show", "my-a30", "--machine-file", "testdata/import-a30-box.txt"},
		"imported-mig.txt":  {"mig", "a30-sample", "--machine-file", "testdata/import-a30-box.txt"},
		"imported-choose.txt": {
			"choose", "my-h100", "--gpus", "2", "--machine-file", "testdata/import-hgx-h100.txt", "--machine-file",
			"testdata/import-a30-box.txt",
		},
		"imported-other.txt": {"show", "my-a30/L40S", "--machine-file", "testdata/import-a30-box.txt"},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) { // import- before imported-
		args := tests[name]
		t.Run(name, func(t *testing.T) {
			out, _, err := run(t, append([]string{"topology"}, args...)...)
			refused := strings.Contains(name, "refused") || strings.Contains(name, "never")
			if refused != (err != nil) || err != nil && cli.ExitCode(err) != cli.ExitNothingFits {
				t.Errorf("error %v", err)
			}
			if strings.HasSuffix(name, ".json") && !json.Valid([]byte(out)) {
				t.Error("is not JSON")
			}
			clitest.CompareGolden(t, name, out)
		})
	}
}

// sample is a capture of package capture's tests.
func sample(name string) string {
	return filepath.Join("..", "..", "..", "..", "topology", "capture", "testdata", name)
}

// importA30 imports a machine whose GPU the catalogue does not know.
func importA30(name string) []string {
	return []string{
		"import", name, "--topo", sample("a30-box.topo.txt"), "--query", sample("a30-box.query.txt"),
		"--lgip", sample("a30-box.lgip.txt"), "--lgipp", sample("a30-box.lgipp.txt"),
		"--compute-capability", "8.0", "--p2p", "yes", "--source", "a rack",
	}
}

func TestMistakes(t *testing.T) {
	large := filepath.Join(t.TempDir(), "large.txt")
	if err := os.WriteFile(large, bytes.Repeat([]byte("x"), 2<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.txt")
	if err := os.WriteFile(broken, []byte("# file: machines/x.txt\n\n# file: machines/y.txt\nmachine y\nwheels 4\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.txt")
	if err := os.WriteFile(empty, []byte("# nothing\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"unknown subcommand": {[]string{"topology", "chose"}, cli.ExitUsage, "the nearest is choose"},
		"unknown flag": {
			[]string{"topology", "list", "--colour"}, cli.ExitUsage,
			"unknown flag: --colour, see ashlar topology list --help",
		},
		"list with an argument": {[]string{"topology", "list", "x"}, cli.ExitUsage, "see ashlar topology list --help"},
		"no machine":            {[]string{"topology", "show"}, cli.ExitUsage, "want one MACHINE"},
		"two machines":          {[]string{"topology", "show", "a", "b"}, cli.ExitUsage, `want one MACHINE, got ["a" "b"]`},
		"unknown format": {
			[]string{"topology", "show", "dgx-h100", "-o", "xml"}, cli.ExitUsage,
			`--output "xml": want one of table, json, yaml`,
		},
		"unknown machine":         {[]string{"topology", "show", "dgx-h10"}, cli.ExitUsage, "the nearest is dgx-h100"},
		"unknown model":           {[]string{"topology", "show", "dgx-h100/H1000"}, cli.ExitUsage, `unknown GPU model "H1000"`},
		"machine without a model": {[]string{"topology", "show", "8xpcie-pix-pairs"}, cli.ExitUsage, "write 8xpcie-pix-pairs/MODEL"},
		"model without NVLink":    {[]string{"topology", "show", "dgx-h100/L40S"}, cli.ExitUsage, "L40S has no NVLink"},
		"unknown GPU":             {[]string{"topology", "mig", "h100-pci-80gb"}, cli.ExitUsage, "the nearest is H100-PCIe-80GB"},
		"GPU without MIG":         {[]string{"topology", "mig", "l40s"}, cli.ExitUsage, "L40S has no MIG"},
		"no GPU count":            {[]string{"topology", "choose", "dgx-h100"}, cli.ExitUsage, "--gpus is missing: how many GPUs to choose"},
		"GPU count is a word":     {[]string{"topology", "choose", "dgx-h100", "--gpus", "two"}, cli.ExitUsage, "invalid argument"},
		"negative GPU count":      {[]string{"topology", "choose", "dgx-h100", "--gpus", "-1"}, cli.ExitUsage, "--gpus -1"},
		"busy GPU out of range": {
			[]string{"topology", "choose", "dgx-h100", "--gpus", "1", "--busy", "8"}, cli.ExitUsage,
			"--busy 8: the GPUs of dgx-h100 are 0 to 7",
		},
		"unknown policy": {
			[]string{"topology", "choose", "dgx-h100", "--gpus", "1", "--policy", "best"}, cli.ExitUsage,
			`--policy: unknown policy "best": want one of keep-placeable, first-fit`,
		},
		"no such machine file": {[]string{"topology", "list", "--machine-file", "missing.txt"}, cli.ExitUsage, "missing.txt"},
		"large machine file": {
			[]string{"topology", "list", "--machine-file", large}, cli.ExitUsage,
			"large.txt:1: more than 1048576 bytes",
		},
		"broken machine file": {
			[]string{"topology", "list", "--machine-file", broken}, cli.ExitUsage,
			"broken.txt:5: wheels: unknown header",
		},
		"empty machine file": {
			[]string{"topology", "list", "--machine-file", empty}, cli.ExitUsage,
			"empty.txt:1: file: has no entries",
		},
		"machine twice": {
			[]string{"topology", "list", "--machine-file", "testdata/import-hgx-h100.txt", "--machine-file", "./testdata/import-hgx-h100.txt"},
			cli.ExitUsage,
			"my-h100 is in the catalogue already",
		},
		"import without topo":  {[]string{"topology", "import", "x"}, cli.ExitUsage, "--topo is missing"},
		"import without query": {[]string{"topology", "import", "x", "--topo", "t"}, cli.ExitUsage, "--query is missing"},
		"import of nothing":    {[]string{"topology", "import", "x", "--topo", empty, "--query", "q"}, cli.ExitUsage, "open q"},
		"import, bad capability": {
			append(append([]string{"topology"}, importA30("x")...), "--compute-capability", "nine"), cli.ExitUsage,
			`--compute-capability "nine": want one like 9.0`,
		},
		"import, bad P2P": {
			append(append([]string{"topology"}, importA30("x")...), "--p2p", "maybe"), cli.ExitUsage,
			`--p2p "maybe"`,
		},
		"import, bad lane": {
			append(append([]string{"topology"}, importA30("x")...), "--lane-bandwidth", "-1"), cli.ExitUsage,
			"--lane-bandwidth -1",
		},
		"import, force alone": {
			append(append([]string{"topology"}, importA30("x")...), "--force"), cli.ExitUsage,
			"--force overwrites files in the folder of -o",
		},
		"import, name taken": {
			append([]string{"topology"}, importA30("dgx-h100")...), cli.ExitUsage,
			"dgx-h100 is in the catalogue already: give it another name",
		},
		"import, bad name": {append([]string{"topology"}, importA30("../x")...), cli.ExitUsage, `machine name "../x"`},
		"import, unknown GPU name": {
			[]string{"topology", "import", "x", "--topo", sample("hgx-h100.topo.txt"), "--gpu", "H1000"}, cli.ExitUsage,
			`unknown GPU model "H1000"`,
		},
		"import, digits ran together": {
			[]string{"topology", "import", "x", "--topo", "testdata/captures/joined-digits.topo.txt", "--gpu", "A100-PCIe-40GB"}, cli.ExitUsage,
			`testdata/captures/joined-digits.topo.txt:2: GPU0 to GPU1 and what follows ran together as "NV120-31"`,
		},
		"import, vGPU named as its card": {
			[]string{
				"topology", "import", "x", "--topo", "testdata/captures/vgpu.topo.txt", "--query", "testdata/captures/vgpu.query.txt", "--gpu", "A40",
			}, cli.ExitUsage,
			`vgpu.query.txt:7: Product Name is "GRID A40-12C", A40 was given: leave --gpu out, a vGPU has less than the GPU`,
		},
		"import, query for topology": {
			[]string{"topology", "import", "x", "--topo", "testdata/captures/vgpu.query.txt", "--gpu", "A40"}, cli.ExitUsage,
			"this is nvidia-smi -q: give it with --query, and capture nvidia-smi topo -m",
		},
		"import, facts missing": {
			[]string{"topology", "import", "x", "--topo", sample("a30-box.topo.txt"), "--query", sample("a30-box.query.txt")}, cli.ExitUsage,
			"give it with --compute-capability",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, _, err := run(t, tc.args...)
			if err == nil {
				t.Fatalf("no error, printed %q", out)
			}
			if code := cli.ExitCode(err); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %q, want %q", err, tc.want)
			}
			if out != "" {
				t.Errorf("printed %q beside the error", out)
			}
		})
	}
}

// Help is no error.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"topology"}, {"topology", "choose", "--help"}} {
		out, _, err := run(t, args...)
		if err != nil || !strings.Contains(out, "Usage:") {
			t.Errorf("ashlar %q printed %q, %v", args, out, err)
		}
	}
}

func TestImportIntoFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new")
	args := append([]string{"topology"}, append(importA30("box"), "-o", folder)...)
	if out, _, err := run(t, args...); err != nil || out != "" {
		t.Fatalf("printed %q, %v", out, err)
	}
	files := []string{"mig/A30-Sample.txt", "models/A30-Sample.txt", "machines/box.txt"}
	show := []string{"topology", "show", "box"}
	for _, file := range files {
		show = append(show, "--machine-file", filepath.Join(folder, file))
	}
	out, _, err := run(t, show...)
	if err != nil || !strings.Contains(out, "2 x NVIDIA A30 Sample") {
		t.Fatalf("printed %q, %v", out, err)
	}

	// Nothing is overwritten, and nothing of a refused import remains.
	machine := filepath.Join(folder, "machines", "box.txt")
	if err := os.WriteFile(machine, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "mig", "A30-Sample.txt")); err != nil {
		t.Fatal(err)
	}
	_, _, err = run(t, args...)
	if err == nil || !strings.Contains(err.Error(), "exists") || cli.ExitCode(err) != cli.ExitUsage {
		t.Errorf("error %v", err)
	}
	if kept, err := os.ReadFile(machine); err != nil || string(kept) != "mine" {
		t.Errorf("the machine is %q, %v", kept, err)
	}
	if left := listing(t, folder); len(left) != 2 {
		t.Errorf("files %q after a refused import", left)
	}

	if _, _, err := run(t, append(args, "--force")...); err != nil {
		t.Fatal(err)
	}
	if left := listing(t, folder); len(left) != 3 {
		t.Errorf("files %q after a forced import", left)
	}
	if now, err := os.ReadFile(machine); err != nil || string(now) == "mine" {
		t.Errorf("the machine is %q, %v", now, err)
	}
}

// Where one file cannot be put in its place, none is.
func TestImportIsAllOrNothing(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "machines"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, append([]string{"topology"}, append(importA30("box"), "-o", folder)...)...); err == nil {
		t.Fatal("no error, though machines is a file")
	}
	if left := listing(t, folder); len(left) != 1 {
		t.Errorf("files %q after a failed import", left)
	}
}

// listing names all files below a folder.
func listing(t *testing.T, folder string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(folder, func(name string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestCompletion(t *testing.T) {
	tests := map[string]struct {
		args []string
		want []string
	}{
		"machine":          {[]string{"topology", "show", "DGX1"}, []string{"dgx1-v100"}},
		"machine/model":    {[]string{"topology", "choose", "8xpcie-pix-pairs/L4"}, []string{"8xpcie-pix-pairs/L4", "8xpcie-pix-pairs/L40S"}},
		"imported machine": {[]string{"topology", "show", "--machine-file", "testdata/import-hgx-h100.txt", "my-"}, []string{"my-h100"}},
		"GPU":              {[]string{"topology", "mig", "a30"}, []string{"A30-24GB"}},
		"second argument":  {[]string{"topology", "show", "dgx-h100", "d"}, nil},
		"policy":           {[]string{"topology", "choose", "--policy", ""}, cli.PolicyNames()},
		"output":           {[]string{"topology", "show", "-o", ""}, []string{"table", "json", "yaml"}},
		"P2P":              {[]string{"topology", "import", "--p2p", ""}, []string{"yes", "no"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, _, err := run(t, append([]string{"__complete"}, tc.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for line := range strings.Lines(out) {
				if word := strings.TrimSpace(line); !strings.HasPrefix(word, ":") {
					got = append(got, word)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
