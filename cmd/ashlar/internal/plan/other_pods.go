package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// describeOther says of a pod that nothing is planned for it whatever its containers start: it asks for other
// accelerators, or joins the server of another pod. "" for others.
func (p *manifestPod) describeOther() string {
	if other := modelmemory.OtherDevices(&p.Spec); other != "" {
		return p.placeText() + ": " + other
	}
	if p.Joins {
		return p.placeText() + ": takes part in the server that the first pod of its group starts, and its GPUs are counted there"
	}
	return ""
}

// asksNothing reports whether no container asks for GPUs or claims.
func asksNothing(spec *corev1.PodSpec) bool {
	for i := range spec.Containers {
		if c := &spec.Containers[i]; modelmemory.CountGPUs(c) > 0 || len(c.Resources.Claims) > 0 {
			return false
		}
	}
	return len(spec.ResourceClaims) == 0
}

// noteText is what the pod's object leaves open, to stand behind a sentence.
func (p *manifestPod) noteText() string {
	if len(p.Notes) == 0 {
		return ""
	}
	return " (" + strings.Join(p.Notes, "; ") + ")"
}

// spanNodes are the offers with as many GPUs together as the nodes have that a server of several pods spans.
func (q *serverQuestion) spanNodes(offers []memoryplan.Offer) []memoryplan.Offer {
	if q.together < 2 {
		return offers
	}
	wider := slices.Clone(offers)
	for i := range wider {
		if wider[i].Profile == "" {
			wider[i].Most *= q.together
		}
	}
	return wider
}

// inOwnWords says an error about a setting in the words of the pod's server, or of the command line.
func (q *serverQuestion) inOwnWords(err error) error {
	var fault *memory.LaunchError
	if q.where != "" && errors.As(err, &fault) {
		return errors.New(launch.DescribeFault(q.Launch.Engine, fault))
	}
	return inFlagWords(err)
}

// dropUnknownDraft plans without a draft model that the catalogue lacks, and says so.
func (q *serverQuestion) dropUnknownDraft() {
	if because := modelmemory.UnknownDraft(&q.Launch); because != "" {
		q.Launch.Draft, q.Launch.DraftTokens = "", 0
		q.unknown = append(q.unknown, unknownSetting{Field: launch.FieldDraft.String(), Because: because})
	}
}

// replicaText says how many of the server there are, of several; and of copies that share a server, on how many
// GPUs they are.
func (q *serverQuestion) replicaText() string {
	text := ""
	if q.replicas > 1 {
		text = fmt.Sprintf("; %d replicas", q.replicas)
		if q.scales {
			text = fmt.Sprintf("; up to %d replicas", q.replicas)
		}
	}
	if l := &q.Launch; q.where != "" && l.DataParallel > 1 {
		text += fmt.Sprintf("; data parallel %d, each as below", l.DataParallel)
	}
	return text
}
