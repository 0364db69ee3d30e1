package mcp

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/doctor"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/explain"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/plan"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/top"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/whatif"
)

// recorded is a snapshot of five of the demo's nodes.
const recorded = "../whatif/testdata/whatif-cluster.json"

// connectClient runs ashlar mcp over pipes and returns a client of it.
func connectClient(t *testing.T, args ...string) *sdk.ClientSession {
	t.Helper()
	fromClient, toServer := io.Pipe()
	fromServer, toClient := io.Pipe()
	command := clitest.RootCommand(NewCommand())
	command.SetArgs(append([]string{"mcp"}, args...))
	command.SetIn(fromClient)
	command.SetOut(toClient)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- command.ExecuteContext(ctx) }()
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(ctx, &sdk.IOTransport{Reader: fromServer, Writer: toServer}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		session.Close()
		cancel()
		<-ended
	})
	return session
}

// callTool calls a tool and returns its structured answer, or the text of its error.
func callTool(t *testing.T, session *sdk.ClientSession, name string, arguments map[string]any) (answer []byte, refusal string) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		t.Fatal(err)
	}
	if result.IsError {
		text, ok := result.Content[0].(*sdk.TextContent)
		if !ok {
			t.Fatalf("the error is a %T", result.Content[0])
		}
		return nil, text.Text
	}
	answer, err = json.Marshal(result.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	return answer, ""
}

func TestToolsOnlyRead(t *testing.T) {
	listed, err := connectClient(t, "--snapshot", recorded).ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range listed.Tools {
		names = append(names, tool.Name)
		if tool.Annotations == nil || !tool.Annotations.ReadOnlyHint || tool.InputSchema == nil || tool.OutputSchema == nil {
			t.Errorf("%s: annotations %+v, want readOnlyHint, and a schema of input and output", tool.Name, tool.Annotations)
		}
	}
	if diff := cmp.Diff([]string{"doctor", "explain", "plan", "top", "whatif"}, names); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
}

// A tool answers what the command prints with -o json.
func TestToolsAnswerAsCommands(t *testing.T) {
	session := connectClient(t, "--snapshot", recorded)
	pairs, err := os.ReadFile("../whatif/testdata/whatif-pairs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const model = "meta-llama/Llama-3.1-8B-Instruct"
	for name, tc := range map[string]struct {
		tool      string
		arguments map[string]any
		command   []string
	}{
		"plan": {
			"plan", map[string]any{"model": model, "gpus": []string{"T4", "A100-SXM4-80GB:2g.20gb"}, "maxModelLen": "4096"},
			[]string{"plan", model, "--gpu", "T4", "--gpu", "A100-SXM4-80GB:2g.20gb", "--max-model-len", "4096", "-o", "json"},
		},
		"whatif": {
			"whatif", map[string]any{"manifest": string(pairs), "copies": 2},
			[]string{"whatif", "--snapshot", recorded, "-f", "../whatif/testdata/whatif-pairs.yaml", "--copies", "2", "-o", "json"},
		},
		"top": {"top", map[string]any{}, []string{"top", "--snapshot", recorded, "-o", "json"}},
		"top with pods": {"top", map[string]any{"pods": true, "nodes": []string{"l40s-0"}},
			[]string{"top", "--snapshot", recorded, "--pods", "--node", "l40s-0", "-o", "json"}},
		"explain": {"explain", map[string]any{"pod": "wide", "namespace": "demo"},
			[]string{"explain", "wide", "-n", "demo", "--snapshot", recorded, "-o", "json"}},
		"doctor": {"doctor", map[string]any{}, []string{"doctor", "--snapshot", recorded, "-o", "json"}},
		"doctor of another name": {"doctor", map[string]any{"scheduler": "ours"},
			[]string{"doctor", "--snapshot", recorded, "--scheduler", "ours", "-o", "json"}},
		"whatif of a drained node": {
			"whatif", map[string]any{"drain": []string{"l40s-0"}}, []string{"whatif", "--snapshot", recorded, "--drain", "l40s-0", "-o", "json"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			command := map[string]func() *cobra.Command{
				"plan": plan.NewCommand, "whatif": whatif.NewCommand, "top": top.NewCommand, "explain": explain.NewCommand,
				"doctor": doctor.NewCommand,
			}[tc.tool]()
			printed, _, err := clitest.RunCommand(t, command, tc.command...)
			if err != nil && cli.ExitCode(err) != cli.ExitNothingFits {
				t.Fatal(err)
			}
			answer, refusal := callTool(t, session, tc.tool, tc.arguments)
			if refusal != "" {
				t.Fatal(refusal)
			}
			var want, got any
			if err := json.Unmarshal([]byte(printed), &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(answer, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestToolErrors(t *testing.T) {
	session := connectClient(t, "--snapshot", recorded)
	for name, tc := range map[string]struct {
		tool      string
		arguments map[string]any
		want      string
	}{
		"no model":       {"plan", map[string]any{}, "want either model or manifest"},
		"both":           {"plan", map[string]any{"model": "a", "manifest": "b"}, "want either model or manifest"},
		"unknown model":  {"plan", map[string]any{"model": "nobody/nothing"}, "not in the catalogue"},
		"unknown GPU":    {"plan", map[string]any{"model": "Qwen/Qwen3-8B", "gpus": []string{"H9000"}}, "H9000"},
		"a file":         {"plan", map[string]any{"model": "https://huggingface.co"}, "--hub"},
		"large manifest": {"plan", map[string]any{"manifest": strings.Repeat("#", maxManifest+1)}, "manifest has 1048577 bytes"},
		"many GPUs":      {"plan", map[string]any{"model": "a", "gpus": make([]string, maxNames+1)}, "gpus has 65 entries"},
		"unknown field":  {"plan", map[string]any{"modell": "a"}, "modell"},
		"nothing":        {"whatif", map[string]any{}, "nothing is asked"},
		"copies of none": {"whatif", map[string]any{"waiting": true, "copies": 2}, "copies goes with manifest"},
		"many copies":    {"whatif", map[string]any{"manifest": "a", "copies": maxCopies + 1}, "copies: 1001, want 1 to 1000"},
		"unknown node":   {"whatif", map[string]any{"drain": []string{"nowhere"}}, "there is no node nowhere"},
		"unknown policy": {"whatif", map[string]any{"waiting": true, "policies": []string{"best"}}, "--policy"},
		"not YAML":       {"whatif", map[string]any{"manifest": "a: b\n c: ["}, "manifest:1:4"},
		"wrong type":     {"whatif", map[string]any{"copies": "two"}, "copies"},
		"long name":      {"doctor", map[string]any{"scheduler": strings.Repeat("a", maxName+1)}, "scheduler has 257 bytes"},
		"a Service":      {"whatif", map[string]any{"manifest": "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"}, "no pod in it"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, refusal := callTool(t, session, tc.tool, tc.arguments); !strings.Contains(refusal, tc.want) {
				t.Errorf("got %q, want %q in it", refusal, tc.want)
			}
		})
	}
	// The session goes on after all of them.
	if _, refusal := callTool(t, session, "plan", map[string]any{"model": "Qwen/Qwen3-8B", "fitsOnly": true}); refusal != "" {
		t.Error(refusal)
	}
}

func TestSnapshotOfStandardInput(t *testing.T) {
	if _, _, err := clitest.RunCommand(t, NewCommand(), "mcp", "--snapshot", "-"); cli.ExitCode(err) != cli.ExitUsage {
		t.Errorf("error %v, want one of usage", err)
	}
}
