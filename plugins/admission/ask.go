package admission

import (
	"fmt"
	"math/big"
	"strings"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
)

// askForm is how a GPU is asked for.
type askForm int

const (
	wholeForm askForm = iota
	shareForm
	migForm
)

// gpuAsk is what containers ask of GPUs, in nobody's units.
type gpuAsk struct {
	count int64
	form  askForm
	// memory is what each GPU must have, or give away, 0 for all of it.
	memory topology.Bytes
	// percent is memory as a part of each GPU's, nil if it is not stated so.
	percent *big.Rat
	// profile is a MIG profile, "" for any.
	profile string
	// products and uuids limit which GPUs will do.
	products, uuids nameChoice
	// sameNUMA says that all GPUs must be on one NUMA node.
	sameNUMA bool
	// mps says that a share's processes run under MPS; threads is the percentage of the
	// multiprocessors that each gets, 0 for its part of the memory.
	mps     bool
	threads int64
}

// nameChoice are names of which a GPU must have one, and names that it must not have.
type nameChoice struct{ among, except []string }

// statedKey is a key with its value, as the pod has it.
type statedKey struct{ key, value string }

func (s statedKey) String() string { return s.key + ": " + s.value }

// containerAsk is what some containers of a pod ask for together.
type containerAsk struct {
	containers []*v1.Container
	// init says that they end before others start.
	init bool
	ask  gpuAsk
	// stated are the keys that say so.
	stated []statedKey
}

// containerNames are their names, for people.
func (a *containerAsk) containerNames() string {
	names := make([]string, 0, len(a.containers))
	for _, c := range a.containers {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// describeAsk is an ask in words: "2 GPUs, 4GiB of each".
func (a *gpuAsk) describeAsk() string {
	gpus, each := "a GPU", "it"
	if a.count > 1 {
		gpus, each = fmt.Sprintf("%d GPUs", a.count), "each"
	}
	text := ""
	switch {
	case a.form == migForm && a.profile != "":
		text = fmt.Sprintf("%d MIG %s", a.count, a.profile)
	case a.form == migForm:
		text = fmt.Sprintf("%d MIG slices of at least %s", a.count, a.memory)
	case a.form == wholeForm && a.memory > 0:
		text = fmt.Sprintf("%s alone, at least %s of memory", gpus, a.memory)
	case a.form == wholeForm:
		text = gpus + " alone"
	case a.percent != nil:
		text = fmt.Sprintf("%s, %s%% of the memory of %s", gpus, decimalText(a.percent), each)
	default:
		text = fmt.Sprintf("%s, %s of %s", gpus, a.memory, each)
	}
	if a.mps {
		text += ", under MPS"
	}
	return text
}
