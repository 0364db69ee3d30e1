package docs

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ashlar-dev/ashlar/test/demo"
)

var kubeconfig = flag.String("kubeconfig", "", "a cluster like that of the demo, to run the commands that need one on; none: it is started")

// buildAshlar builds ashlar once, and returns the folder that it is in.
var buildAshlar = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "ashlar-docs-")
	if err != nil {
		return "", err
	}
	command := exec.Command("go", "build", "-o", folder+string(filepath.Separator), "./cmd/ashlar")
	command.Dir, command.Stderr = root, os.Stderr
	return folder, command.Run()
})

func TestMain(m *testing.M) {
	code := m.Run()
	if folder, err := buildAshlar(); err == nil {
		os.RemoveAll(folder)
	}
	os.Exit(code)
}

func ashlarFolder(t testing.TB) string {
	t.Helper()
	folder, err := buildAshlar()
	if err != nil {
		t.Fatalf("building ashlar: %v", err)
	}
	return folder
}

// Every command of the pages that needs no cluster does what is said of it.
func TestCommands(t *testing.T) {
	run := 0
	for _, page := range listPages(t) {
		t.Run(page, func(t *testing.T) {
			run += runPage(t, page, func(b *docBlock) bool { return !b.cluster },
				newScratchShell(t, filepath.Join(t.TempDir(), "none"), ashlarFolder(t)))
		})
	}
	if run < 10 {
		t.Errorf("%d blocks were run, want at least 10: too few are found to mean anything", run)
	}
}

// Those that need one do it on the cluster of the demo, with its examples.
func TestCommandsOnCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	file, path := *kubeconfig, []string{ashlarFolder(t)}
	if file == "" {
		var printed bytes.Buffer
		c, err := demo.StartCluster(t.Context(), &printed)
		if err != nil {
			t.Fatalf("%v\n%s", err, printed.String())
		}
		t.Cleanup(func() {
			if err := c.Stop(); err != nil {
				t.Error(err)
			}
		})
		folder, err := demo.WriteKubectl(c)
		if err != nil {
			t.Fatal(err)
		}
		file, path = c.Kubeconfig(), append(path, folder)
	}
	run := 0
	for _, page := range listPages(t) {
		t.Run(page, func(t *testing.T) {
			run += runPage(t, page, func(b *docBlock) bool { return b.cluster }, newScratchShell(t, file, path...))
		})
	}
	if run < 3 {
		t.Errorf("%d blocks were run, want at least 3: too few are found to mean anything", run)
	}
}

// runPage runs some blocks of a page and writes its files, and says how many were run.
func runPage(t *testing.T, page string, selected func(*docBlock) bool, shell *scratchShell) int {
	t.Helper()
	run := 0
	for _, b := range readBlocks(t, page) {
		if b.file != "" {
			if err := os.WriteFile(filepath.Join(shell.folder, b.file), []byte(b.text), 0o600); err != nil {
				t.Errorf("%s: %v", b.place(), err)
			}
		}
		if !b.runs() || !selected(&b) {
			continue
		}
		run++
		if err := shell.runBlock(context.WithoutCancel(t.Context()), &b); err != nil {
			t.Error(err)
		}
	}
	return run
}
