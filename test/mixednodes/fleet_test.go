package mixednodes

import (
	"fmt"
	"math/rand"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// Labels of the test's own, by which some pods choose nodes.
const (
	kindLabel = "example.com/gpus"  // ashlar, nvidia or plugin: the node's first kind
	formLabel = "example.com/form"  // how the device plugin or NVIDIA's driver offers them
	twiceMark = "example.com/twice" // "true" on nodes that offer their GPUs in two ways
)

// Kinds of nodes.
const (
	ashlarKind = "ashlar"
	nvidiaKind = "nvidia"
	pluginKind = "plugin"
)

const (
	// ofEachKind is how many nodes each kind has, twiceOfEach how many of them offer their
	// GPUs in the next kind's way, too.
	ofEachKind  = 20
	twiceOfEach = 3
)

// fleetNode is a node, and what is true of it whatever its labels say.
type fleetNode struct {
	name, kind string
	// second is the other kind of a node of two kinds, "" for others.
	second string
	// machine is the machine type of a node that Ashlar's driver publishes, "" for others.
	machine string
	node    *topology.Node
	uuids   []string
	// plugin is what the device plugin offers, nil without one.
	plugin *pluginOffer
	// form is how NVIDIA's driver offers the GPUs, "" without it.
	form   string
	slices []*resourceapi.ResourceSlice
}

// isDriven reports whether Ashlar's driver runs for the node.
func (n *fleetNode) isDriven() bool { return n.kind == ashlarKind && n.second == "" }

func (n *fleetNode) has(kind string) bool { return n.kind == kind || n.second == kind }

// model is that of all of the node's GPUs.
func (n *fleetNode) model() *topology.Model { return n.node.GPUs[0].Model }

func (n *fleetNode) labels() map[string]string {
	labels := map[string]string{kindLabel: n.kind, formLabel: n.form}
	if n.second != "" {
		labels[twiceMark] = "true"
	}
	if n.plugin != nil {
		labels[formLabel] = n.plugin.form
		for name, value := range n.plugin.labels {
			labels[name] = value
		}
	}
	return labels
}

func (n *fleetNode) capacity() corev1.ResourceList {
	if n.plugin == nil {
		return nil
	}
	return n.plugin.amounts()
}

// newFleet draws the nodes.
func newFleet(t *testing.T, random *rand.Rand) []*fleetNode {
	t.Helper()
	kinds := []string{ashlarKind, nvidiaKind, pluginKind}
	var fleet []*fleetNode
	for k, kind := range kinds {
		for i := range ofEachKind {
			n := &fleetNode{name: fmt.Sprintf("%s-%02d", kind, i), kind: kind}
			if i < twiceOfEach {
				n.second = kinds[(k+1)%len(kinds)]
			}
			n.draw(t, random, i)
			fleet = append(fleet, n)
		}
	}
	return fleet
}

// draw decides what the i-th node of its kind is and how it offers its GPUs.
func (n *fleetNode) draw(t *testing.T, random *rand.Rand, i int) {
	t.Helper()
	var pluginForm string
	if n.has(pluginKind) {
		pluginForm = pluginForms[i%len(pluginForms)]
		if n.second != "" {
			pluginForm = pluginFormsOfTwo[i%len(pluginFormsOfTwo)]
		}
	}
	if n.has(nvidiaKind) {
		n.form = nvidiaForms[i%len(nvidiaForms)]
	}
	mig := needsMIG[pluginForm] || needsMIG[n.form]
	var instance *catalogue.InstanceType
	if pluginForm == byInstanceType {
		instance = drawInstance(random)
		n.node = topology.FlatNode(instance.Model, int(instance.GPUs))
	} else if n.kind == pluginKind && n.second == "" {
		n.node = topology.FlatNode(drawModel(random, mig), 1+random.Intn(8))
	} else {
		n.machine = drawMachine(random, mig)
		machine, err := catalogue.Default().Machine(n.machine)
		if err != nil {
			t.Fatal(err)
		}
		n.node = machine.Node
	}
	found, err := simulated.Node{Name: n.name, Machine: &topology.MachineType{Name: n.name, Node: n.node}}.Discover(catalogue.Default().MIG)
	if err != nil {
		t.Fatal(err)
	}
	for _, gpu := range found.GPUs {
		n.uuids = append(n.uuids, gpu.UUID)
	}
	if pluginForm != "" {
		n.plugin = newPluginOffer(pluginForm, n.model(), int64(len(n.node.GPUs)), random)
		if instance != nil {
			n.plugin.labels[corev1.LabelInstanceTypeStable] = instance.Name
		}
	}
	if n.has(nvidiaKind) {
		n.slices = append(n.slices, nvidiaSlices(t, n, random)...)
	}
	if n.has(ashlarKind) && !n.isDriven() {
		// Ashlar's driver publishes nothing beside another that has the same GPUs. These are as
		// of one that ran before the other did.
		devices := found.ListDevices(discovery.DeviceOptions{AnyMode: true})
		n.slices = append(n.slices, publish.ResourceSlices(n.name, publish.DriverResources(n.name, found, devices, nil))...)
	}
}

// drawInstance draws a cloud's instance type.
func drawInstance(random *rand.Rand) *catalogue.InstanceType {
	known, found := catalogue.Default().InstanceType(instanceTypes[random.Intn(len(instanceTypes))])
	if !found {
		panic("an instance type of the test is not in the catalogue")
	}
	return known
}

// drawModel draws a GPU model with memory of its own.
func drawModel(random *rand.Rand, withMIG bool) *topology.Model {
	models := catalogue.Default().Models()
	for {
		model := models[random.Intn(len(models))]
		if model.Memory > 0 && (!withMIG || isCuttable(model)) {
			return model
		}
	}
}

// drawMachine draws a machine type, by its own GPUs or some others.
func drawMachine(random *rand.Rand, withMIG bool) string {
	known := catalogue.Default()
	names := append(known.Machines(), "8xpcie-nps4-allsys/T4", "8xpcie-pix-pairs/L4", "4xA30-pcie/A10", "8xpcie-nps4-allsys/L40S",
		"8xpcie-pix-pairs/A100-PCIe-40GB", "4xA30-pcie/H100-PCIe-80GB", "8xpcie-nps4-allsys/A40", "4xA30-pcie/RTX-PRO-6000")
	for {
		name := names[random.Intn(len(names))]
		machine, err := known.Machine(name)
		if err != nil {
			continue // a layout that needs a model
		}
		if model := machine.Node.GPUs[0].Model; model.Memory > 0 && (!withMIG || isCuttable(model)) {
			return name
		}
	}
}

// isCuttable reports whether it is known into what a GPU can be cut, and how much memory that
// gives.
func isCuttable(model *topology.Model) bool { return model.MIG != "" && len(profilesOf(model)) > 0 }
