package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// write puts text into a file of a temporary folder and returns its name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// kubeconfig is the credentials for an API server at the given address.
func kubeconfig(t *testing.T, server string) string {
	t.Helper()
	return write(t, "kubeconfig", fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`, server))
}

// cluster is an API server that answers as the test says, and fails the test if
// anything but a question is asked.
func cluster(t *testing.T, answers map[string]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if request.Method != http.MethodGet && !strings.Contains(request.URL.Path, "selfsubjectaccessreviews") {
			t.Errorf("%s %s before everything was checked", request.Method, request.URL.Path)
		}
		response.Header().Set("Content-Type", "application/json")
		for path, answer := range answers {
			if strings.HasSuffix(request.URL.Path, path) {
				var code int
				fmt.Sscanf(answer, `{"code":%d`, &code)
				if code != 0 {
					response.WriteHeader(code)
				}
				fmt.Fprint(response, answer)
				return
			}
		}
		response.WriteHeader(http.StatusNotFound)
		fmt.Fprint(response, `{"code":404,"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"not found"}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// The answers of a cluster in which all is well but for the node.
const (
	release  = `{"major":"1","minor":"37","gitVersion":"v1.37.2"}`
	noSlices = `{"kind":"ResourceSliceList","apiVersion":"resource.k8s.io/v1","metadata":{},"items":[]}`
	allowed  = `{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":true}}`
	denied   = `{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":false}}`
	refused  = `{"code":403,"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden",` +
		`"message":"resourceslices.resource.k8s.io is forbidden: User \"nobody\" cannot list resource"}`
)

// Whatever is wrong, there is one line about it, and the exit code says whether
// it was the command line.
func TestMistakes(t *testing.T) {
	t.Setenv("NODE_NAME", "")
	machine := []string{"--node-name", "gpu-0", "--machine", "dgx-h100"}
	nodes := func(text string) []string { return []string{"--nodes", write(t, "nodes.yaml", text), "--dry-run"} }
	at := func(server string) []string {
		return append([]string{"--kubeconfig", kubeconfig(t, server)}, machine...)
	}
	answering := func(review string) string {
		return cluster(t, map[string]string{"/resourceslices": noSlices, "/version": release, "/selfsubjectaccessreviews": review})
	}
	for name, tc := range map[string]struct {
		args []string
		code int
		want string // part of the line
	}{
		"unknown flag":    {[]string{"--gpus", "8"}, 2, "unknown flag: --gpus"},
		"argument":        {[]string{"dgx-h100"}, 2, `unexpected argument "dgx-h100"`},
		"no node":         {[]string{"--machine", "dgx-h100"}, 2, "--node-name is missing"},
		"bad node name":   {[]string{"--node-name", "GPU_0", "--machine", "dgx-h100"}, 2, `node name "GPU_0": `},
		"two sources":     {[]string{"--nodes", "x", "--machine", "dgx-h100"}, 2, "--nodes and --machine exclude each other"},
		"bad format":      {append([]string{"--dry-run", "-o", "xml"}, machine...), 2, "--output xml: want yaml or json"},
		"unknown form":    {append([]string{"--dry-run", "--forms", "whole,half"}, machine...), 2, `--forms: unknown form "half"`},
		"format alone":    {append([]string{"-o", "json"}, machine...), 2, "--output needs --dry-run"},
		"unknown machine": {[]string{"--node-name", "gpu-0", "--machine", "dgx-h1000", "--dry-run"}, 1, `unknown machine "dgx-h1000"`},
		"no file": {[]string{"--nodes", "/none/nodes.yaml", "--dry-run"}, 1,
			"reading the list of nodes: open /none/nodes.yaml: no such file"},
		"malformed file":  {nodes("- name: a\n\tmachine: b\n"), 1, "nodes.yaml:2:1: is not YAML: a tab indents the line"},
		"machine in file": {nodes("- {name: a, machine: none}\n"), 1, `nodes.yaml:1:22: [0].machine: unknown machine "none"`},
		"node twice": {nodes("- {name: a, machine: dgx-h100}\n- {name: a, machine: dgx-h100}\n"), 1,
			`nodes.yaml:2:10: [1].name: node "a" is already on line 1`},
		"no kubeconfig":   {machine, 1, "not in a pod of a cluster: --kubeconfig is missing"},
		"kubeconfig gone": {append([]string{"--kubeconfig", "/none/config"}, machine...), 1, "/none/config: no such file"},
		"nobody there": {at("http://127.0.0.1:1"), 1,
			"listing ResourceSlices: the API server http://127.0.0.1:1 cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused"},
		"old cluster":    {at(cluster(t, nil)), 1, "the API server has no ResourceSlices of resource.k8s.io/v1"},
		"forbidden":      {at(cluster(t, map[string]string{"/resourceslices": refused})), 1, `User "nobody" cannot list resource`},
		"may not write":  {at(answering(denied)), 1, "this client may not list ResourceSlices"},
		"node not there": {at(answering(allowed)), 1, `node "gpu-0" does not exist in the cluster`},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := runCommand(t.Context(), tc.args, &stdout, &stderr)
			line := stderr.String()
			if code != tc.code || !strings.HasPrefix(line, "ashlar-dra-driver: ") || !strings.Contains(line, tc.want) ||
				strings.Count(line, "\n") != 1 {
				t.Errorf("exit code %d, want %d; stderr %q, want one line with %q", code, tc.code, line, tc.want)
			}
			if stdout.Len() > 0 {
				t.Errorf("stdout: %s", &stdout)
			}
		})
	}
}

func TestNoDriver(t *testing.T) {
	if library := nvml.New(); library.Init() == nvml.SUCCESS {
		library.Shutdown()
		t.Skip("this machine has an NVIDIA driver")
	}
	var stderr bytes.Buffer
	code := runCommand(t.Context(), []string{"--node-name", "gpu-0", "--dry-run"}, &bytes.Buffer{}, &stderr)
	want := "ashlar-dra-driver: no NVIDIA driver on this machine: libnvidia-ml.so.1 not found; use --machine to simulate one\n"
	if code != 1 || stderr.String() != want {
		t.Errorf("exit code %d, stderr %q; want 1, %q", code, &stderr, want)
	}
}

// A dry run prints what the library's golden files hold.
func TestDryRun(t *testing.T) {
	golden, err := os.ReadFile("../../dra/publish/testdata/4xA30-pcie.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := runCommand(t.Context(), []string{"--node-name", "node-0", "--machine", "4xA30-pcie", "--dry-run", "-o", "yaml"}, &stdout, &stderr)
	if code != 0 || stderr.Len() > 0 || stdout.String() != string(golden) {
		t.Errorf("exit code %d, stderr %q, %d bytes; want 0, nothing, the golden file's %d bytes", code, &stderr, stdout.Len(), len(golden))
	}
}

func TestDryRunJSON(t *testing.T) {
	var stdout, stderr bytes.Buffer
	file := write(t, "nodes.yaml", "- {name: a, machine: 8xL40S-2socket-node}\n- {name: b, machine: 4xA30-pcie}\n")
	if code := runCommand(t.Context(), []string{"--nodes", file, "--dry-run", "-o", "json"}, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	for _, want := range []string{`"nodeName": "a"`, `"nodeName": "b"`} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %s", want)
		}
	}
}

// An API server that takes connections and says nothing does not hang the driver.
func TestSilentServer(t *testing.T) {
	if testing.Short() {
		t.Skip("waits ten seconds")
	}
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	defer server.Close()
	defer close(done)
	var stderr bytes.Buffer
	code := runCommand(context.Background(), []string{
		"--kubeconfig", kubeconfig(t, server.URL), "--node-name", "gpu-0", "--machine", "dgx-h100",
	}, &bytes.Buffer{}, &stderr)
	if want := "did not answer within 10s\n"; code != 1 || !strings.HasSuffix(stderr.String(), want) {
		t.Errorf("exit code %d, stderr %q; want 1, ...%q", code, &stderr, want)
	}
}

// Fewer forms publish fewer devices, and whole GPUs alone no MIG slice and no share.
func TestForms(t *testing.T) {
	for forms, want := range map[string]int{"whole": 8, "whole,share": 16, "share": 8, "whole,mig,share": 216, "mig": 200} {
		var stdout, stderr bytes.Buffer
		args := []string{"--node-name", "gpu-0", "--machine", "dgx-h100", "--dry-run", "--forms", forms}
		if code := runCommand(t.Context(), args, &stdout, &stderr); code != 0 {
			t.Fatalf("--forms %s: exit code %d: %s", forms, code, &stderr)
		}
		// What can be shared says so first.
		got := strings.Count(stdout.String(), "\n  - attributes:") + strings.Count(stdout.String(), "\n  - allowMultipleAllocations:")
		if got != want {
			t.Errorf("--forms %s: %d devices, want %d", forms, got, want)
		}
	}
}
