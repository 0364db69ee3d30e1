package mcp

import (
	"context"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/doctor"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/explain"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/top"
)

// ashlarScheduler is the schedulerName by which pods choose Ashlar where a call names none.
const ashlarScheduler = "ashlar-scheduler"

// topInput is what the tool top takes.
type topInput struct {
	Nodes     []string `json:"nodes,omitempty" jsonschema:"names of nodes to show; all if left out"`
	Namespace string   `json:"namespace,omitempty" jsonschema:"namespace whose pods to list; all if left out"`
	Pods      bool     `json:"pods,omitempty" jsonschema:"list who holds what, too"`
}

// explainInput is what the tool explain takes.
type explainInput struct {
	Pod       string `json:"pod" jsonschema:"name of the pod"`
	Namespace string `json:"namespace,omitempty" jsonschema:"the pod's namespace"`
	Scheduler string `json:"scheduler,omitempty" jsonschema:"schedulerName by which pods choose Ashlar; ashlar-scheduler if left out"`
}

// doctorInput is what the tool doctor takes.
type doctorInput struct {
	Scheduler string `json:"scheduler,omitempty" jsonschema:"schedulerName by which pods choose Ashlar; ashlar-scheduler if left out"`
}

// addClusterTools adds the tools that look at a cluster as it is.
func addClusterTools(server *sdk.Server, source *clustersource.Source, annotate func(title string) *sdk.ToolAnnotations) {
	sdk.AddTool(server, &sdk.Tool{
		Name: "top", Annotations: annotate("The GPUs of the cluster"),
		Description: "Say what every GPU of the cluster holds: allocated and free memory, the largest MIG slice that can still be made, " +
			"memory out of reach, who holds what, and which pods wait for GPUs and why.",
	}, func(ctx context.Context, _ *sdk.CallToolRequest, in topInput) (*sdk.CallToolResult, *top.GPUReport, error) {
		if err := firstError(checkNames("nodes", in.Nodes), checkText("namespace", in.Namespace, maxName)); err != nil {
			return nil, nil, err
		}
		objects, err := source.ReadObjects(ctx, nil)
		if err != nil {
			return nil, nil, err
		}
		report, err := top.AskGPUs(ctx, objects, in.Nodes, in.Namespace, in.Pods)
		return nil, report, err
	})
	sdk.AddTool(server, &sdk.Tool{
		Name: "explain", Annotations: annotate("Why a pod waits, or what it has"),
		Description: "Say of one pod of the cluster why it waits for GPUs, node by node, and what would help; or which GPUs it has, and where " +
			"the scheduler would put it today.",
	}, func(ctx context.Context, _ *sdk.CallToolRequest, in explainInput) (*sdk.CallToolResult, *explain.PodReport, error) {
		err := firstError(checkText("pod", in.Pod, maxName), checkText("namespace", in.Namespace, maxName),
			checkText("scheduler", in.Scheduler, maxName))
		if err != nil {
			return nil, nil, err
		}
		objects, err := source.ReadObjects(ctx, nil)
		if err != nil {
			return nil, nil, err
		}
		if in.Namespace == "" {
			in.Namespace = source.DefaultNamespace()
		}
		if in.Scheduler == "" {
			in.Scheduler = ashlarScheduler
		}
		report, err := explain.AskPod(ctx, objects, in.Namespace, in.Pod, in.Scheduler)
		return nil, report, err
	})
	sdk.AddTool(server, &sdk.Tool{
		Name: "doctor", Annotations: annotate("What is wrong with the cluster"),
		Description: "Look at the cluster for what keeps GPU pods from starting, or GPUs from being handed out once: say of each check what " +
			"is well, or what is wrong, with a cause and a remedy. Runs none of the remedies.",
	}, func(ctx context.Context, _ *sdk.CallToolRequest, in doctorInput) (*sdk.CallToolResult, *doctor.ClusterReport, error) {
		if err := checkText("scheduler", in.Scheduler, maxName); err != nil {
			return nil, nil, err
		}
		report, err := doctor.AskCluster(ctx, source, in.Scheduler)
		return nil, report, err
	})
}
