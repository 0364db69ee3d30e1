package deviceplacement

import (
	"context"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
)

// ListWaysOut is all that would let a pod's model server start on the devices of the cluster, those
// devices first that it starts on as it is or in tensor parallel: what an event names the best of.
// refusals are why nodes do not take the pod. It is empty where the pod runs no server whose memory
// is known, or no node refuses it for that memory.
func (p *Plugin) ListWaysOut(ctx context.Context, pod *v1.Pod, refusals []string) []modelmemory.Remedy {
	server, err := modelmemory.Of(pod)
	if err != nil || server == nil {
		return nil
	}
	if !slices.ContainsFunc(refusals, func(refusal string) bool {
		return strings.Contains(refusal, dra.ServerTooLarge) || strings.Contains(refusal, server.Demands())
	}) {
		return nil
	}
	offers := p.listOffers(ctx, pod, p.listNodes())
	return slices.Concat(server.FindRemedies(offers), server.FindChanges(offers))
}
