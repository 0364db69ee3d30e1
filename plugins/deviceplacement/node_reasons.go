package deviceplacement

import (
	"context"
	"fmt"
	"slices"
	"strings"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// What a node's status says. kube-scheduler puts the number of nodes with the same text
// before each, so that all of them read on from "12 node(s)", and none has a figure that
// differs from node to node: those are for the explanation.

// nodeReasons words why placement refused a request on a node, a text for each reason.
func nodeReasons(ctx context.Context, view *dra.View, request *placement.Request, reasons []placement.Reason) []string {
	var texts []string
	for _, reason := range reasons {
		text := "node(s) " + reasonOnNode(ctx, view, request, &reason)
		if reason.Part >= 0 && len(request.Parts) > 1 {
			text += " for request " + request.Parts[reason.Part].Name
		}
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return texts
}

// reasonOnNode goes on from "node(s)".
func reasonOnNode(ctx context.Context, view *dra.View, request *placement.Request, reason *placement.Reason) string {
	inventory := view.Inventory()
	switch reason.Code {
	case placement.NoMatch:
		return view.NoMatchReason(ctx, request.Parts[reason.Part].Name)
	case placement.GPUsBusy:
		what := "GPUs"
		if acceptedGPUs(inventory, &request.Parts[reason.Part]) != inventory.AllGPUs() {
			what = "matching GPUs"
		}
		if all := int64(len(inventory.Node.GPUs)); all < reason.Want {
			return fmt.Sprintf("have fewer than %d GPUs", reason.Want)
		}
		if reason.Total < reason.Want {
			return fmt.Sprintf("have fewer than %d %s", reason.Want, what)
		}
		if reason.Want == 1 {
			return fmt.Sprintf("have no %s free", strings.TrimSuffix(what, "s"))
		}
		return fmt.Sprintf("have fewer than %d %s free", reason.Want, what)
	case placement.SlicesTaken:
		what := "matching MIG slice"
		if profile := onlyProfile(view, &request.Parts[reason.Part]); profile != "" {
			what = "MIG slice " + profile
		}
		if reason.Want == 1 {
			return fmt.Sprintf("have no room for a %s", what)
		}
		return fmt.Sprintf("have no room for %d of %s", reason.Want, what)
	case placement.MemoryShort:
		if part := &request.Parts[reason.Part]; part.Count > 1 {
			return fmt.Sprintf("have fewer than %d GPUs with %s left to share", part.Count, topology.Bytes(reason.Want))
		}
		return fmt.Sprintf("have no GPU with %s left to share", topology.Bytes(reason.Want))
	case placement.Unlike:
		return unlikeOnNode(view, request, reason)
	case placement.Unsupplied:
		return "have no GPUs that go with the free devices of other drivers"
	case placement.Together:
		return "have what each request asks for, not what all ask for together"
	}
	return "have too many combinations of devices to decide"
}

// unlikeOnNode words what of the claim's constraints a node cannot satisfy.
func unlikeOnNode(view *dra.View, request *placement.Request, reason *placement.Reason) string {
	if reason.Constraint < 0 {
		return "have no free devices that satisfy the claim's constraints"
	}
	form := placement.Share
	for _, part := range request.Constraints[reason.Constraint].Parts {
		for i := range view.Inventory().Devices {
			if request.Parts[part].Accepts.Has(i) {
				form = min(form, view.Inventory().Devices[i].Form)
			}
		}
	}
	how := "one"
	if request.Constraints[reason.Constraint].Distinct {
		how = "different"
	}
	if reason.Want == 1 {
		return fmt.Sprintf("have no free %s that has a %s", form.DeviceNoun(1), request.Constraints[reason.Constraint].Name)
	}
	return fmt.Sprintf("have no %d free %s of %s %s", reason.Want, form.DeviceNoun(int(reason.Want)), how,
		request.Constraints[reason.Constraint].Name)
}

// acceptedGPUs are the GPUs of which a part accepts some device.
func acceptedGPUs(inventory *placement.Inventory, part *placement.Part) placement.GPUSet {
	var gpus placement.GPUSet
	for i := range inventory.Devices {
		if part.Accepts.Has(i) {
			gpus |= 1 << inventory.Devices[i].GPU
		}
	}
	return gpus
}

// onlyProfile is the MIG profile of the devices that a part accepts, "" for several.
func onlyProfile(view *dra.View, part *placement.Part) string {
	profile := ""
	for i := range view.Inventory().Devices {
		if !part.Accepts.Has(i) {
			continue
		}
		switch name := view.ProfileName(i); profile {
		case "", name:
			profile = name
		default:
			return ""
		}
	}
	return profile
}

// inTreeRefusal is what the in-tree plugin says of a node without the devices.
const inTreeRefusal = "cannot allocate all claims"

// refineRefusal says of a node that the in-tree plugin refused what it lacks, as far as
// that is found out.
func (p *Plugin) refineRefusal(ctx context.Context, view *dra.View, gpus placement.GPUStates, status *fwk.Status) *fwk.Status {
	if status.IsSuccess() || !slices.Contains(status.Reasons(), inTreeRefusal) {
		return status
	}
	var reasons []string
	for request := range view.Requests(ctx) {
		ofGPUs := view.OfGPUs(ctx, request)
		if len(ofGPUs.Parts) == 0 {
			break
		}
		verdict := placement.Place(view.Inventory(), gpus, ofGPUs, p.options.Policy)
		if verdict.Outcome != placement.Refused {
			reasons = nil
			break
		}
		if reasons == nil {
			reasons = nodeReasons(ctx, view, ofGPUs, verdict.Reasons)
		}
	}
	if len(reasons) == 0 {
		if because := view.WhyNotAll(ctx); because != "" {
			reasons = []string{because}
		}
	}
	if len(reasons) == 0 || ctx.Err() != nil {
		return status
	}
	return fwk.NewStatus(status.Code(), reasons...)
}
