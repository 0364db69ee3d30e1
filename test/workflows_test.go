package test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// workflow is a workflow of GitHub Actions, as far as it is looked at.
type workflow struct {
	Permissions map[string]string `json:"permissions"`
	Jobs        map[string]struct {
		TimeoutMinutes int `json:"timeout-minutes"`
		Steps          []struct {
			Uses string `json:"uses"`
			Run  string `json:"run"`
		} `json:"steps"`
	} `json:"jobs"`
}

// pinnedAction is an action by the commit of a release, with its version behind it.
var pinnedAction = regexp.MustCompile(`uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)

// makeCall is a call of make with targets and variables, up to the end of the command.
var makeCall = regexp.MustCompile(`(?m)(?:^|[;&|]|then|\s)make ((?:[a-z0-9-]+ ?|[A-Z]+=[^\s;&|]+ ?)+)`)

// makeWords are the targets of the Makefile, and the variables that may be given to it.
func makeWords(t *testing.T) (targets, variables []string) {
	t.Helper()
	text := readRepositoryFile(t, "Makefile")
	for _, line := range regexp.MustCompile(`(?m)^([a-z0-9-]+):`).FindAllStringSubmatch(text, -1) {
		targets = append(targets, line[1])
	}
	for _, line := range regexp.MustCompile(`(?m)^([A-Z_]+) \?=`).FindAllStringSubmatch(text, -1) {
		variables = append(variables, line[1])
	}
	return targets, variables
}

func readRepositoryFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// faultsOfCommands are calls of make that the Makefile does not know, and scripts that cannot be run.
func faultsOfCommands(t *testing.T, commands string) []string {
	t.Helper()
	targets, variables := makeWords(t)
	commands = regexp.MustCompile(`(?m)^\s*#.*$`).ReplaceAllString(commands, "")
	var faults []string
	for _, call := range makeCall.FindAllStringSubmatch(commands, -1) {
		for _, word := range strings.Fields(call[1]) {
			name, _, isVariable := strings.Cut(word, "=")
			if isVariable && !slices.Contains(variables, name) || !isVariable && !slices.Contains(targets, name) {
				faults = append(faults, "the Makefile has no "+name)
			}
		}
	}
	for _, script := range regexp.MustCompile(`\.(?:github|ci)/[\w.-]+`).FindAllString(commands, -1) {
		if info, err := os.Stat(filepath.Join("..", script)); err != nil || info.Mode()&0o111 == 0 {
			faults = append(faults, script+" is no program")
		}
	}
	return faults
}

// Workflows run what is there, are granted no more than they ask for, end, and use actions at a
// commit that nobody can move.
func TestWorkflowsRunWhatIsThere(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d workflows, %v", len(files), err)
	}
	for _, file := range files {
		text := readRepositoryFile(t, strings.TrimPrefix(filepath.ToSlash(file), "../"))
		var w workflow
		if err := yaml.Unmarshal([]byte(text), &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if w.Permissions == nil {
			t.Errorf("%s: it has the permissions of the repository's settings", file)
		}
		for name, job := range w.Jobs {
			if job.TimeoutMinutes == 0 {
				t.Errorf("%s: job %s may run for six hours", file, name)
			}
			for _, step := range job.Steps {
				for _, fault := range faultsOfCommands(t, step.Run) {
					t.Errorf("%s: job %s: %s", file, name, fault)
				}
			}
		}
		for i, line := range strings.Split(text, "\n") {
			if strings.Contains(line, "uses:") && !pinnedAction.MatchString(line) {
				t.Errorf("%s:%d: want a commit with its version behind it: %s", file, i+1, strings.TrimSpace(line))
			}
		}
	}
	for _, script := range []string{".github/build-release.sh", ".github/publish-release.sh", ".ci/run"} {
		for _, fault := range faultsOfCommands(t, readRepositoryFile(t, script)) {
			t.Errorf("%s: %s", script, fault)
		}
	}
}

// The check must be able to fail.
func TestCommandFaults(t *testing.T) {
	for command, want := range map[string]string{
		"make lint":                              "",
		"make images release-binaries VERSION=1": "",
		"# make up words\nmake e2e":              "",
		"sudo make tests":                        "the Makefile has no tests",
		"make fuzz FUZZ=2m":                      "the Makefile has no FUZZ",
		"if true; then make chart; fi":           "the Makefile has no chart",
		".github/nothing.sh":                     ".github/nothing.sh is no program",
	} {
		if got := strings.Join(faultsOfCommands(t, command), ", "); got != want {
			t.Errorf("%s: got %q, want %q", command, got, want)
		}
	}
}

// The Dockerfile builds what the command for images does, from folders that are there and with the
// variables that programs are stamped with.
func TestDockerfileBuildsWhatIsThere(t *testing.T) {
	text := readRepositoryFile(t, "Dockerfile")
	for _, folder := range regexp.MustCompile(`\./cmd/([a-z-]+)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join("..", "cmd", folder[1])); err != nil {
			t.Errorf("it builds %s: %v", folder[0], err)
		}
	}
	for _, file := range regexp.MustCompile(`(?m)^COPY ((?:[\w/.-]+ )+)\S+$`).FindAllStringSubmatch(text, -1) {
		for _, name := range strings.Fields(file[1]) {
			if _, err := os.Stat(filepath.Join("..", name)); err != nil && name != "--from" {
				t.Errorf("it copies %s: %v", name, err)
			}
		}
	}
	for _, variable := range []string{"version", "commit"} {
		stamp := "github.com/ashlar-dev/ashlar/internal/buildinfo." + variable + "="
		for name, where := range map[string]string{"Dockerfile": text, "Makefile": readRepositoryFile(t, "Makefile")} {
			if !strings.Contains(where, stamp) {
				t.Errorf("%s does not stamp %s", name, stamp)
			}
		}
		if !regexp.MustCompile(`(?m)^var .*\b` + variable + `\b`).MatchString(readRepositoryFile(t, "internal/buildinfo/buildinfo.go")) {
			t.Errorf("package buildinfo has no variable %s", variable)
		}
	}
	for _, needed := range []string{"cmd/nvidia-cdi-hook", "-tags netgo,osusergo"} {
		if !strings.Contains(text, needed) {
			t.Errorf("it builds the hook without %s", needed)
		}
	}
}
