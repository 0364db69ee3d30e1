package mcp

import (
	"context"
	"fmt"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/plan"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/whatif"
)

// Limits on what a call may bring. They are for mistakes and loops of a client, and keep an
// answer within seconds.
const (
	maxManifest = 1 << 20 // bytes
	maxNames    = 64
	maxName     = 256 // bytes
	maxCopies   = 1000
)

// planInput is what the tool plan takes.
type planInput struct {
	Model       string   `json:"model,omitempty" jsonschema:"name of the model, such as meta-llama/Llama-3.1-8B-Instruct; or give manifest"`
	Manifest    string   `json:"manifest,omitempty" jsonschema:"YAML or JSON of Kubernetes objects whose pods run model servers; or give model"`
	GPUs        []string `json:"gpus,omitempty" jsonschema:"look at these GPUs or MIG slices only, such as H100-SXM5-80GB; all if left out"`
	Engine      string   `json:"engine,omitempty" jsonschema:"model server, such as vllm or sglang"`
	MaxModelLen string   `json:"maxModelLen,omitempty" jsonschema:"longest request in tokens, such as 4096 or 32k"`
	Concurrency string   `json:"concurrency,omitempty" jsonschema:"requests wanted at once"`
	TP          string   `json:"tensorParallel,omitempty" jsonschema:"GPUs that share each layer: auto or a number"`
	FitsOnly    bool     `json:"fitsOnly,omitempty" jsonschema:"leave out GPUs that the server does not fit"`
}

// planOutput is what the tool plan answers.
type planOutput struct {
	plan.PlanReport
	Notes []string `json:"notes,omitempty" jsonschema:"pods that were passed over or could not be read"`
}

// whatifInput is what the tool whatif takes.
type whatifInput struct {
	Manifest  string   `json:"manifest,omitempty" jsonschema:"YAML or JSON of Kubernetes objects to ask about"`
	Namespace string   `json:"namespace,omitempty" jsonschema:"namespace of objects that name none"`
	Copies    int      `json:"copies,omitempty" jsonschema:"replicas of each object instead of as many as it says"`
	Drain     []string `json:"drain,omitempty" jsonschema:"names of nodes that are emptied first"`
	Waiting   bool     `json:"waiting,omitempty" jsonschema:"ask about the pods that wait in the cluster too, and why they do"`
	Scheduler string   `json:"scheduler,omitempty" jsonschema:"schedulerName by which pods choose Ashlar; ashlar-scheduler if left out"`
	Policies  []string `json:"policies,omitempty" jsonschema:"placement policies to compare; the scheduler's own if left out"`
}

// addTools adds the tools to a server.
func addTools(server *sdk.Server, source *clustersource.Source) {
	closed := false
	annotate := func(title string) *sdk.ToolAnnotations {
		return &sdk.ToolAnnotations{Title: title, ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: &closed, DestructiveHint: &closed}
	}
	sdk.AddTool(server, &sdk.Tool{
		Name: "plan", Annotations: annotate("Which GPUs serve a model"),
		Description: "Say which GPUs, MIG slices and shares serve a model, what each costs an hour, and what is left for its KV cache. " +
			"Asks a catalogue, not the cluster.",
	}, func(ctx context.Context, _ *sdk.CallToolRequest, in planInput) (*sdk.CallToolResult, planOutput, error) {
		out, err := answerPlan(ctx, &in)
		return nil, out, err
	})
	sdk.AddTool(server, &sdk.Tool{
		Name: "whatif", Annotations: annotate("Where pods would go in the cluster"),
		Description: "Run the GPU scheduler on a copy of the cluster: say on which nodes and GPUs pods of a manifest, of drained nodes, or " +
			"those that wait would go, and why others would wait and what would help. Changes nothing.",
	}, func(ctx context.Context, _ *sdk.CallToolRequest, in whatifInput) (*sdk.CallToolResult, *whatif.PlacementReport, error) {
		out, err := answerWhatif(ctx, source, &in)
		return nil, out, err
	})
	addClusterTools(server, source, annotate)
}

// checkText refuses a text that is too long.
func checkText(name, text string, limit int) error {
	if len(text) > limit {
		return fmt.Errorf("%s has %d bytes, more than %d: ask about less at a time", name, len(text), limit)
	}
	return nil
}

// checkNames refuses a list that is too long or has something too long in it.
func checkNames(name string, list []string) error {
	if len(list) > maxNames {
		return fmt.Errorf("%s has %d entries, more than %d: ask about fewer at a time", name, len(list), maxNames)
	}
	for i, entry := range list {
		if err := checkText(fmt.Sprintf("%s[%d]", name, i), entry, maxName); err != nil {
			return err
		}
	}
	return nil
}

// firstError is the first that is one.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func answerPlan(ctx context.Context, in *planInput) (planOutput, error) {
	settings := map[string]string{}
	for name, value := range map[string]string{
		"engine": in.Engine, "max-model-len": in.MaxModelLen, "concurrency": in.Concurrency, "tp": in.TP,
	} {
		if err := checkText(name, value, maxName); err != nil {
			return planOutput{}, err
		}
		if value != "" {
			settings[name] = value
		}
	}
	err := firstError(checkText("model", in.Model, maxName), checkText("manifest", in.Manifest, maxManifest), checkNames("gpus", in.GPUs))
	if err != nil {
		return planOutput{}, err
	}
	if (in.Model == "") == (in.Manifest == "") {
		return planOutput{}, fmt.Errorf("want either model or manifest: the one names a model, the other has pods that serve some")
	}
	report, notes, err := plan.AskServers(ctx, &plan.ServerQuestion{Model: in.Model, Manifest: in.Manifest, GPUs: in.GPUs, Settings: settings})
	if err != nil {
		return planOutput{}, err
	}
	if in.FitsOnly {
		report.DropUnfit()
	}
	return planOutput{*report, notes}, nil
}

func answerWhatif(ctx context.Context, source *clustersource.Source, in *whatifInput) (*whatif.PlacementReport, error) {
	err := firstError(checkText("manifest", in.Manifest, maxManifest), checkText("namespace", in.Namespace, maxName),
		checkText("scheduler", in.Scheduler, maxName), checkNames("drain", in.Drain), checkNames("policies", in.Policies))
	if err != nil {
		return nil, err
	}
	switch {
	case in.Manifest == "" && len(in.Drain) == 0 && !in.Waiting:
		return nil, fmt.Errorf("nothing is asked: want a manifest, nodes to drain, or waiting")
	case in.Copies < 0 || in.Copies > maxCopies:
		return nil, fmt.Errorf("copies: %d, want 1 to %d", in.Copies, maxCopies)
	case in.Copies > 0 && in.Manifest == "":
		return nil, fmt.Errorf("copies goes with manifest: it says how many pods of each object are asked about")
	}
	cluster, err := source.ReadObjects(ctx, nil)
	if err != nil {
		return nil, err
	}
	question := &whatif.PlacementQuestion{
		Manifest: in.Manifest, Namespace: in.Namespace, Copies: in.Copies, Drain: in.Drain, Waiting: in.Waiting, Scheduler: in.Scheduler,
		Policies: in.Policies,
	}
	if question.Namespace == "" {
		question.Namespace = source.DefaultNamespace()
	}
	if question.Scheduler == "" {
		question.Scheduler = ashlarScheduler
	}
	return whatif.AskPlacement(ctx, cluster, question)
}
