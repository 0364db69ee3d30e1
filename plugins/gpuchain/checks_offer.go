package gpuchain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// driverNodeLabel is the label of nodes that Ashlar's driver runs on: "true".
const driverNodeLabel = "ashlar.dev/driver"

// offerChecks look at the links that hand GPUs out, once all before them hold as far as
// was read.
var offerChecks = []func(*nodeEvidence) *brokenLink{
	(*nodeEvidence).checkPluginPods,
	(*nodeEvidence).checkDRAPods,
	(*nodeEvidence).checkSlices,
	(*nodeEvidence).checkDeviceTaints,
	(*nodeEvidence).checkValidator,
	(*nodeEvidence).checkIdlePlugin,
	(*nodeEvidence).checkIdleDRADriver,
	(*nodeEvidence).checkNotDeployed,
	(*nodeEvidence).checkAshlarLabel,
	(*nodeEvidence).checkNothingThere,
}

func (n *nodeEvidence) checkOffer() *brokenLink {
	for _, check := range offerChecks {
		if broken := check(n); broken != nil {
			return broken
		}
	}
	return nil
}

// checkSlices finds pools of which slices are missing, or that are empty.
func (n *nodeEvidence) checkSlices() *brokenLink {
	for _, pool := range n.pools {
		cause := ""
		switch {
		case !pool.isComplete():
			cause = fmt.Sprintf("the driver %s has published %d of %d ResourceSlices", pool.driver, pool.slices, pool.wanted)
		case pool.devices == 0:
			cause = fmt.Sprintf("the driver %s publishes ResourceSlices without a device", pool.driver)
		default:
			continue
		}
		return &brokenLink{
			link: LinkSlices, subject: pool.driver, cause: cause, command: slicesCommand(pool.driver, n.node.Name),
		}
	}
	return nil
}

func slicesCommand(driver, node string) string {
	return fmt.Sprintf("kubectl get resourceslices --field-selector spec.driver=%s,spec.nodeName=%s -o yaml", driver, shellName(node))
}

// checkDeviceTaints finds pools all of whose devices are tainted.
func (n *nodeEvidence) checkDeviceTaints() *brokenLink {
	for _, pool := range n.pools {
		if pool.devices == 0 || pool.untainted > 0 {
			continue
		}
		return &brokenLink{
			link: LinkTaints, subject: pool.driver + pool.taint,
			cause: fmt.Sprintf("every device of %s is tainted (%s), and only claims that tolerate it get one", pool.driver,
				cutText(pool.taint, 60)),
			command: slicesCommand(pool.driver, n.node.Name),
		}
	}
	return nil
}

func (n *nodeEvidence) checkPluginPods() *brokenLink {
	if broken := n.checkPods(pluginComponent); broken != nil {
		return broken
	}
	if len(n.pods[draComponent]) > 0 {
		return nil
	}
	return n.checkMissing(pluginComponent)
}

func (n *nodeEvidence) checkDRAPods() *brokenLink {
	if broken := n.checkPods(draComponent); broken != nil {
		return broken
	}
	if len(n.pods[pluginComponent]) > 0 {
		return nil
	}
	return n.checkDaemonSets(draComponent)
}

// checkValidator finds what the GPU Operator's validator found out, if it does not come
// to its end.
func (n *nodeEvidence) checkValidator() *brokenLink {
	for _, validation := range []struct {
		container string
		link      Link
		meaning   string
	}{
		{"cuda-validation", LinkDriver, "CUDA does not run"},
		{"plugin-validation", LinkDevicePlugin, "the device plugin offers no GPU"},
	} {
		if broken := n.validationBroken(validation.container, validation.link, validation.meaning); broken != nil {
			return broken
		}
	}
	return n.checkPods(validatorComponent)
}

// checkIdlePlugin looks at a device plugin that runs and offers nothing.
func (n *nodeEvidence) checkIdlePlugin() *brokenLink {
	if len(n.pods[pluginComponent]) == 0 {
		return nil
	}
	p := n.pods[pluginComponent][0]
	broken := &brokenLink{
		subject: "idle plugin",
		command: fmt.Sprintf("kubectl -n %s logs -l %s=%s --prefix --tail=20", p.pod.Namespace, p.label.key, p.label.value),
	}
	if had := pluginGPUs(n.node.Status.Capacity); had > 0 {
		broken.link = LinkDevicePlugin
		broken.subject = "unhealthy"
		broken.cause = fmt.Sprintf("the device plugin of %s reports all its devices unhealthy (capacity %d, allocatable 0)", ownerOf(p.pod), had)
		broken.mixed = fmt.Sprintf("the device plugin of %s reports all its devices unhealthy (allocatable 0)", ownerOf(p.pod))
		return broken
	}
	owner := ownerOf(p.pod)
	switch {
	case !n.isDriverThere():
		broken.link = LinkDriver
		broken.cause = fmt.Sprintf("the device plugin of %s runs and finds no GPU, as where the driver is not loaded, or where the container "+
			"toolkit is not the default runtime", owner)
	case !n.isToolkitThere():
		broken.link = LinkToolkit
		broken.cause = fmt.Sprintf("the device plugin of %s runs and finds no GPU, as where the container toolkit is not the default "+
			"runtime", owner)
	default:
		broken.link = LinkDevicePlugin
		broken.cause = fmt.Sprintf("the device plugin of %s runs and offers nothing, although driver and container toolkit are there", owner)
	}
	return broken
}

// isDriverThere reports whether something read says that the driver is loaded.
func (n *nodeEvidence) isDriverThere() bool {
	return hasDriverLabels(n.node) || n.node.Labels[deployPrefix+"driver"] == "pre-installed" || n.isReady(driverComponent) ||
		n.hasPassed("driver-validation") || n.isToolkitThere()
}

// isToolkitThere reports whether something read says that the container toolkit works,
// which it does not without a driver.
func (n *nodeEvidence) isToolkitThere() bool {
	return n.isReady(toolkitComponent) || n.hasPassed("toolkit-validation")
}

func (n *nodeEvidence) isReady(c *chainComponent) bool {
	return slices.ContainsFunc(n.pods[c], func(p componentPod) bool { return podTrouble(p.pod) == "" })
}

// hasPassed reports whether some pod's init container of this name has ended well.
func (n *nodeEvidence) hasPassed(container string) bool {
	for _, pods := range n.pods {
		for _, p := range pods {
			if isEnded(p.pod) {
				continue
			}
			for i := range p.pod.Status.InitContainerStatuses {
				status := &p.pod.Status.InitContainerStatuses[i]
				if status.Name == container && status.State.Terminated != nil && status.State.Terminated.ExitCode == 0 {
					return true
				}
			}
		}
	}
	return false
}

// checkIdleDRADriver looks at a DRA driver that runs and publishes nothing.
func (n *nodeEvidence) checkIdleDRADriver() *brokenLink {
	if len(n.pods[draComponent]) == 0 || len(n.pools) > 0 {
		return nil
	}
	p := n.pods[draComponent][0]
	return &brokenLink{
		link: LinkSlices, subject: "idle driver",
		cause:   fmt.Sprintf("the DRA driver of %s runs and publishes no ResourceSlice", ownerOf(p.pod)),
		command: fmt.Sprintf("kubectl -n %s logs -l %s=%s --prefix --tail=20", p.pod.Namespace, p.label.key, p.label.value),
	}
}

// checkNotDeployed finds nodes that the GPU Operator puts no device plugin on.
func (n *nodeEvidence) checkNotDeployed() *brokenLink {
	const key = deployPrefix + "device-plugin"
	if n.node.Labels[key] != "false" || !n.PodsComplete || len(n.pods[pluginComponent])+len(n.pods[draComponent]) > 0 {
		return nil
	}
	return &brokenLink{
		link: LinkDevicePlugin, subject: key,
		cause:   key + "=false keeps the device plugin off, and no DRA driver's pod is there either",
		command: "kubectl get nodes -L " + key,
	}
}

// checkAshlarLabel finds nodes that Ashlar's driver is not meant to run on, for a pod
// that asks for its devices alone.
func (n *nodeEvidence) checkAshlarLabel() *brokenLink {
	if !n.wantsAshlar() || n.node.Labels[driverNodeLabel] == "true" {
		return nil
	}
	return &brokenLink{
		link: LinkDRADriver, subject: driverNodeLabel,
		cause:   fmt.Sprintf("Ashlar's driver, which %s is for, runs on nodes labelled %s=true only", n.asked.class, driverNodeLabel),
		command: fmt.Sprintf("kubectl label node %s %s=true", shellName(n.node.Name), driverNodeLabel),
	}
}

// wantsAshlar reports whether the pod asks for a class that takes Ashlar's devices only.
func (w *chainWalk) wantsAshlar() bool {
	return slices.Equal(w.asked.drivers, []string{deviceapi.Driver})
}

// checkNothingThere says which links nothing was found out about: the first of them that
// is missing is the broken one.
func (n *nodeEvidence) checkNothingThere() *brokenLink {
	candidates := []Link{LinkDriver, LinkToolkit, LinkDevicePlugin}
	there := ""
	switch {
	case n.isToolkitThere():
		candidates, there = candidates[2:], "driver and container toolkit are there"
	case n.isDriverThere():
		candidates, there = candidates[1:], "a driver is there"
	}
	if had := pluginGPUs(n.node.Status.Capacity); had > 0 {
		return &brokenLink{
			link: LinkDevicePlugin, subject: "unhealthy unread",
			cause:   fmt.Sprintf("a device plugin has registered %d there and reports none healthy, or has ended (allocatable 0)", had),
			mixed:   "device plugins have registered some there and report none healthy, or have ended (allocatable 0)",
			command: "kubectl get pods -A -o wide | grep -i nvidia",
		}
	}
	names := make([]string, len(candidates))
	for i, link := range candidates {
		names[i] = string(link)
	}
	pods := "no pod of them was read"
	if n.PodsComplete {
		pods = "no pod of them is there"
	}
	if there != "" {
		pods = there + ", " + pods
	}
	missing := "missing is the first of " + strings.Join(names, ", ")
	if len(candidates) == 1 {
		missing = "missing is a " + names[0]
	}
	return &brokenLink{
		link: candidates[0], subject: "nothing" + there,
		cause:   fmt.Sprintf("neither as %s nor in ResourceSlices; %s or DRA driver (%s)", n.missingOffer(), missing, pods),
		command: "kubectl get pods -A -o wide | grep -i nvidia",
	}
}

func (w *chainWalk) missingOffer() string {
	if w.asked.resource != "" {
		return cutText(w.asked.resource, 60)
	}
	return deviceapi.GPUResource
}
