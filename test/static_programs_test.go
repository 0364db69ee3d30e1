package test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The programs of images and releases are built without C, for several platforms: none of them may
// link NVIDIA's library for NVML, of which only the driver has need.
func TestStaticProgramsLinkNoC(t *testing.T) {
	for _, program := range []string{"ashlar", "ashlar-scheduler", "ashlar-webhook"} {
		command := exec.CommandContext(t.Context(), "go", "list", "-deps", "./cmd/"+program)
		command.Dir, command.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
		packages, err := command.Output()
		if err != nil {
			t.Fatalf("go list -deps ./cmd/%s: %v", program, err)
		}
		for path := range strings.Lines(string(packages)) {
			if strings.HasPrefix(path, "github.com/NVIDIA/go-nvml/") {
				t.Errorf("%s, built without C, links %s", program, strings.TrimSpace(path))
			}
		}
	}
}
