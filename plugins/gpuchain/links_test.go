package gpuchain

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

const (
	plugin    = "nvidia-device-plugin-daemonset"
	toolkit   = "nvidia-container-toolkit-daemonset"
	driver    = "nvidia-driver-daemonset"
	validator = "nvidia-operator-validator"
)

// begins is how most findings about three nodes begin.
const begins = "3 node(s) have NVIDIA hardware (label " + pciLabel + ") and offer no GPU: "

func TestFirstBrokenLink(t *testing.T) {
	plain := gpuNodes(3, labels())
	deployed := gpuNodes(3, labels("nvidia.com/gpu.deploy.driver", "true", "nvidia.com/gpu.deploy.container-toolkit", "true",
		"nvidia.com/gpu.deploy.device-plugin", "true"))
	driven := gpuNodes(3, labels("nvidia.com/cuda.driver-version.major", "580", "nvidia.com/gpu.deploy.device-plugin", "true"))
	notReady := gpuNodes(3, labels())
	for _, node := range notReady {
		node.Status.Conditions[0].Status = corev1.ConditionFalse
	}
	tainted := gpuNodes(3, labels("nvidia.com/gpu.deploy.driver", "true"))
	for _, node := range tainted {
		node.Spec.Taints = []corev1.Taint{
			{Key: "nvidia.com/gpu", Effect: corev1.TaintEffectNoSchedule}, {Key: "dedicated", Value: "ml", Effect: corev1.TaintEffectNoSchedule},
		}
	}
	unhealthy := gpuNodes(3, labels())
	for _, node := range unhealthy {
		node.Status.Capacity = quantities("nvidia.com/gpu", 8)
		node.Status.Allocatable = quantities("nvidia.com/gpu", 0)
	}
	ask := asksFor("nvidia.com/gpu")
	device := resourceapi.Device{Name: "gpu-0"}
	lost := resourceapi.Device{Name: "gpu-0", Taints: []resourceapi.DeviceTaint{{Key: "gpu.nvidia.com/gpu-lost",
		Effect: resourceapi.DeviceTaintEffectNoExecute}}}
	ashlarClass := classOf("gpu.ashlar.dev", "gpu.ashlar.dev", "")
	for name, tc := range map[string]struct {
		evidence Evidence
		want     Link
		text     string // the whole of it
	}{
		"hardware and nothing else, pods unknown": {Evidence{Pod: ask, Nodes: plain}, LinkDriver, begins +
			"neither as nvidia.com/gpu nor in ResourceSlices; missing is the first of driver, container toolkit, device plugin or DRA driver " +
			"(no pod of them was read): kubectl get pods -A -o wide | grep -i nvidia"},
		"hardware and nothing else, all pods known": {Evidence{Pod: ask, Nodes: plain, PodsComplete: true}, LinkDriver, begins +
			"neither as nvidia.com/gpu nor in ResourceSlices; missing is the first of driver, container toolkit, device plugin or DRA driver " +
			"(no pod of them is there): kubectl get pods -A -o wide | grep -i nvidia"},
		"a driver of which GFD has told": {Evidence{
			Pod: ask, Nodes: gpuNodes(3, labels("nvidia.com/cuda.driver-version.major", "580")), PodsComplete: true,
		}, LinkToolkit, begins + "neither as nvidia.com/gpu nor in ResourceSlices; missing is the first of container toolkit, device plugin " +
			"or DRA driver (a driver is there, no pod of them is there): kubectl get pods -A -o wide | grep -i nvidia"},
		"node not ready": {Evidence{Pod: ask, Nodes: notReady}, LinkNode, begins + "the kubelet is not ready: kubectl describe node node-0"},
		"no label of NFD": {Evidence{Pod: ask, Nodes: gpuNodes(3, nil)}, LinkNFD,
			"3 node(s) offer no GPU and none carries a label of node feature discovery: either it does not run, or no node has NVIDIA hardware: " +
				"kubectl get nodes -L " + pciLabel},
		"NFD sees no hardware": {Evidence{Pod: ask, Nodes: gpuNodes(3,
			map[string]string{"feature.node.kubernetes.io/cpu-cpuid.AVX": "true"})}, LinkNFD,
			"3 node(s) offer no GPU: node feature discovery labels 3 of them and shows NVIDIA hardware (PCI vendor 10de) on none: " +
				"kubectl get nodes -L " + pciLabel},
		"NFD left out nodes of the operator": {Evidence{
			Pod: ask, Nodes: gpuNodes(3, map[string]string{"cloud.google.com/gke-accelerator": "nvidia-tesla-t4"}),
			Pods: []*corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "gpu-operator"}}}},
		}, LinkNFD, "3 node(s) have NVIDIA hardware (label cloud.google.com/gke-accelerator) and offer no GPU: node feature discovery has not " +
			"labelled them, which the GPU Operator waits for: kubectl get pods -A -o wide | grep -i node-feature-discovery"},
		"the operator has not labelled them": {Evidence{
			Pod: ask, Nodes: plain, Pods: []*corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "gpu-operator"}}}},
		}, LinkOperator, begins + "the GPU Operator has not labelled them (nvidia.com/gpu.deploy.*), so that it deploys nothing there: " +
			"kubectl get pods -A -l app=gpu-operator -o wide"},
		"operands switched off": {Evidence{Pod: ask, Nodes: gpuNodes(3, labels("nvidia.com/gpu.deploy.operands", "false"))}, LinkOperator,
			begins +
				"the label nvidia.com/gpu.deploy.operands=false keeps the GPU Operator's components off: kubectl get nodes -L " +
				"nvidia.com/gpu.deploy.operands"},
		"GPUs for virtual machines": {Evidence{Pod: ask, Nodes: gpuNodes(3, labels("nvidia.com/gpu.workload.config", "vm-passthrough"))},
			LinkOperator,
			begins + "the label nvidia.com/gpu.workload.config=vm-passthrough sets their GPUs up for virtual machines, not for containers: " +
				"kubectl get nodes -L nvidia.com/gpu.workload.config"},
		"driver pods crash": {Evidence{Pod: ask, Nodes: deployed, Pods: append(
			operatorPods(deployed, driver, waiting("CrashLoopBackOff")), operatorPods(deployed, plugin, inits("toolkit-validation"))...,
		)}, LinkDriver, begins + "the driver pods of daemonset gpu-operator/nvidia-driver-daemonset crash: " +
			"kubectl -n gpu-operator get pods -l app=nvidia-driver-daemonset -o wide"},
		"driver pods in different states": {Evidence{Pod: ask, Nodes: deployed, Pods: operatorPods(deployed, driver, func(i int,
			pod *corev1.Pod) {
			waiting([]string{"CrashLoopBackOff", "ImagePullBackOff", "ContainerCreating"}[i])(i, pod)
		})}, LinkDriver, begins + "the driver pods of daemonset gpu-operator/nvidia-driver-daemonset are not ready: " +
			"kubectl -n gpu-operator get pods -l app=nvidia-driver-daemonset -o wide"},
		"driver image cannot be pulled on OpenShift": {Evidence{Pod: ask, Nodes: deployed, Pods: podsOf(deployed, "gpu-operator", "d", "app",
			"nvidia-driver-daemonset-417.94", "c", waiting("ErrImagePull"))}, LinkDriver, begins + "the driver pods of daemonset gpu-operator/d " +
			"cannot pull their image: kubectl -n gpu-operator get pods -l app=nvidia-driver-daemonset-417.94 -o wide"},
		"no driver pod and no sign of a driver": {Evidence{Pod: ask, Nodes: deployed, PodsComplete: true}, LinkDriver, begins +
			"nvidia.com/gpu.deploy.driver=true asks for a driver pod and there is none, nor a sign of a driver on the host: " +
			"kubectl get daemonsets -A -l app=nvidia-driver-daemonset"},
		"no driver pod beside a foreign taint": {Evidence{Pod: ask, Nodes: tainted, PodsComplete: true}, LinkDriver, begins +
			"nvidia.com/gpu.deploy.driver=true asks for a driver pod and there is none, nor a sign of a driver on the host; a taint may keep it " +
			"off " +
			"(dedicated): kubectl get daemonsets -A -l app=nvidia-driver-daemonset"},
		"the driver's DaemonSet does not tolerate a taint": {Evidence{Pod: ask, Nodes: tainted, PodsComplete: true,
			DaemonSets: []*appsv1.DaemonSet{
				daemonSet("gpu-operator", driver, "app", driver, "c", corev1.PodSpec{
					Tolerations: []corev1.Toleration{{Key: "nvidia.com/gpu", Operator: corev1.TolerationOpExists}},
				}),
			}}, LinkDriver, begins + "daemonset gpu-operator/nvidia-driver-daemonset, the driver, does not tolerate the taint dedicated: " +
			"kubectl -n gpu-operator describe daemonset nvidia-driver-daemonset"},
		"driver upgrade failed": {Evidence{Pod: ask, Nodes: gpuNodes(3, labels("nvidia.com/gpu-driver-upgrade-state", "upgrade-failed"))},
			LinkDriver,
			begins + "the driver's upgrade has failed (nvidia.com/gpu-driver-upgrade-state=upgrade-failed): " +
				"kubectl get pods -A -l app=nvidia-driver-daemonset -o wide"},
		"the validator waits for the driver": {Evidence{Pod: ask, Nodes: driven, Pods: operatorPods(driven, validator,
			inits("driver-validation"))},
			LinkDriver, begins + "init container driver-validation of daemonset gpu-operator/nvidia-operator-validator does not end: " +
				"the NVIDIA driver is not loaded: kubectl -n gpu-operator logs -l app=nvidia-operator-validator -c driver-validation --prefix " +
				"--tail=5"},
		"toolkit pods cannot start": {Evidence{Pod: ask, Nodes: driven, Pods: operatorPods(driven, toolkit, waiting("CreateContainerError"))},
			LinkToolkit, begins + "the container toolkit pods of daemonset gpu-operator/nvidia-container-toolkit-daemonset cannot start a " +
				"container: " +
				"kubectl -n gpu-operator get pods -l app=nvidia-container-toolkit-daemonset -o wide"},
		"the plugin waits for the toolkit": {Evidence{Pod: ask, Nodes: driven, Pods: operatorPods(driven, plugin, inits("toolkit-validation"))},
			LinkToolkit, begins + "init container toolkit-validation of daemonset gpu-operator/nvidia-device-plugin-daemonset does not end: " +
				"containers do not get the driver's libraries: kubectl -n gpu-operator logs -l app=nvidia-device-plugin-daemonset " +
				"-c toolkit-validation --prefix --tail=5"},
		"a RuntimeClass that does not exist": {Evidence{
			Pod: ask, Nodes: plain, PodsComplete: true, RuntimeClasses: []*nodev1.RuntimeClass{},
			DaemonSets: []*appsv1.DaemonSet{daemonSet("kube-system", "plugin", "name", "nvidia-device-plugin-ds", "nvidia-device-plugin-ctr",
				corev1.PodSpec{RuntimeClassName: ptr.To("nvidia")})},
		}, LinkToolkit, begins + "daemonset kube-system/plugin asks for RuntimeClass nvidia, which does not exist, so that none of its pods " +
			"is made: " +
			"kubectl get runtimeclasses"},
		"MIG manager failed": {Evidence{Pod: ask, Nodes: gpuNodes(3, labels("nvidia.com/mig.config", "all-1g.10gb",
			"nvidia.com/mig.config.state", "failed"))},
			LinkMIGManager, begins + `the MIG manager failed to apply "all-1g.10gb" (nvidia.com/mig.config.state=failed): ` +
				"kubectl get pods -A -l app=nvidia-mig-manager -o wide"},
		"plugin paused": {Evidence{Pod: ask, Nodes: gpuNodes(3, labels("nvidia.com/gpu.deploy.device-plugin", "paused-for-mig-change"))},
			LinkDevicePlugin, begins + "the device plugin is paused for mig-change (nvidia.com/gpu.deploy.device-plugin): kubectl get nodes -L " +
				"nvidia.com/gpu.deploy.device-plugin,nvidia.com/mig.config.state,nvidia.com/gpu-driver-upgrade-state"},
		"no plugin pod": {Evidence{Pod: ask, Nodes: driven, PodsComplete: true}, LinkDevicePlugin,
			begins + "nvidia.com/gpu.deploy.device-plugin=true " +
				"asks for a device plugin pod and there is none: kubectl get daemonsets -A -l app=nvidia-device-plugin-daemonset"},
		"plugin switched off, no DRA driver": {Evidence{
			Pod: ask, Nodes: gpuNodes(3, labels("nvidia.com/gpu.deploy.device-plugin", "false")), PodsComplete: true,
		}, LinkDevicePlugin, begins + "nvidia.com/gpu.deploy.device-plugin=false keeps the device plugin off, and no DRA driver's pod is " +
			"there either: " +
			"kubectl get nodes -L nvidia.com/gpu.deploy.device-plugin"},
		"plugin selects a label of GFD": {Evidence{Pod: ask, Nodes: plain, DaemonSets: []*appsv1.DaemonSet{
			daemonSet("kube-system", "plugin", "app.kubernetes.io/name", "nvidia-device-plugin", "nvidia-device-plugin-ctr", corev1.PodSpec{
				NodeSelector: map[string]string{"nvidia.com/gpu.present": "true"},
			}),
		}}, LinkGFD, begins + "daemonset kube-system/plugin, the device plugin, runs on nodes labelled nvidia.com/gpu.present=true only: " +
			"kubectl get nodes -L nvidia.com/gpu.present"},
		"plugin's affinity asks for labels of NFD": {Evidence{
			Pod: ask, Nodes: gpuNodes(3, map[string]string{"node.kubernetes.io/instance-type": "g5.48xlarge"}),
			DaemonSets: []*appsv1.DaemonSet{daemonSet("kube-system", "plugin", "app.kubernetes.io/name", "nvidia-device-plugin",
				"nvidia-device-plugin-ctr", corev1.PodSpec{Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
					RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{
						{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: pciLabel, Operator: corev1.NodeSelectorOpIn, Values: []string{"true"}}}},
						{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "nvidia.com/gpu.present", Operator: corev1.NodeSelectorOpExists}}},
					}},
				}}})},
		}, LinkNFD, "3 node(s) have NVIDIA hardware (label node.kubernetes.io/instance-type) and offer no GPU: the node affinity of daemonset " +
			"kube-system/plugin, the device plugin, does not match them (feature.node.kubernetes.io/pci-10de.present, nvidia.com/gpu.present): " +
			"kubectl get nodes -L " + pciLabel},
		"plugin's containers are not made under a RuntimeClass": {Evidence{Pod: ask, Nodes: plain, Pods: podsOf(plain, "kube-system", "plugin",
			"name", "nvidia-device-plugin-ds", "nvidia-device-plugin-ctr", func(i int, pod *corev1.Pod) {
				waiting("ContainerCreating")(i, pod)
				pod.Spec.RuntimeClassName = ptr.To("nvidia")
			})}, LinkDevicePlugin, begins + "the device plugin pods of daemonset kube-system/plugin have no container yet (RuntimeClass nvidia, " +
			"which " +
			"the container toolkit sets up): kubectl -n kube-system describe pods -l name=nvidia-device-plugin-ds"},
		"plugin runs and finds nothing": {Evidence{Pod: ask, Nodes: plain, Pods: podsOf(plain, "kube-system", "plugin", "name",
			"nvidia-device-plugin-ds",
			"nvidia-device-plugin-ctr", nil)}, LinkDriver, begins + "the device plugin of daemonset kube-system/plugin runs and finds no GPU, " +
			"as where the driver is not loaded, or where the container toolkit is not the default runtime: " +
			"kubectl -n kube-system logs -l name=nvidia-device-plugin-ds --prefix --tail=20"},
		"plugin runs and finds nothing beside a driver": {Evidence{Pod: ask, Nodes: driven, Pods: operatorPods(driven, plugin, nil)}, LinkToolkit,
			begins + "the device plugin of daemonset gpu-operator/nvidia-device-plugin-daemonset runs and finds no GPU, as where the container " +
				"toolkit " +
				"is not the default runtime: kubectl -n gpu-operator logs -l app=nvidia-device-plugin-daemonset --prefix --tail=20"},
		"plugin's devices are unhealthy": {Evidence{Pod: ask, Nodes: unhealthy, Pods: operatorPods(unhealthy, plugin, nil)}, LinkDevicePlugin,
			begins + "the device plugin of daemonset gpu-operator/nvidia-device-plugin-daemonset reports all its devices unhealthy (capacity 8, " +
				"allocatable 0): kubectl -n gpu-operator logs -l app=nvidia-device-plugin-daemonset --prefix --tail=20"},
		"pods of GFD with the plugin's label are no plugin": {Evidence{Pod: ask, Nodes: plain, PodsComplete: true, Pods: podsOf(plain,
			"kube-system", "gfd",
			"app.kubernetes.io/name", "nvidia-device-plugin", "gpu-feature-discovery-ctr", nil)}, LinkDriver, begins +
			"neither as nvidia.com/gpu nor in ResourceSlices; missing is the first of driver, container toolkit, device plugin or DRA driver " +
			"(no pod of them is there): kubectl get pods -A -o wide | grep -i nvidia"},
		"DRA driver not ready": {Evidence{Claims: claimOf("gpu.nvidia.com"), Pod: &corev1.Pod{}, Nodes: plain, Pods: podsOf(plain, "dra",
			"kubelet-plugin",
			"nvidia-dra-driver-gpu-component", "kubelet-plugin", "gpus", waiting("CrashLoopBackOff"))}, LinkDRADriver, begins +
			"the DRA driver pods of daemonset dra/kubelet-plugin crash: kubectl -n dra get pods -l " +
			"nvidia-dra-driver-gpu-component=kubelet-plugin -o wide"},
		"DRA driver publishes nothing": {Evidence{Claims: claimOf("gpu.nvidia.com"), Pod: &corev1.Pod{}, Nodes: plain, Pods: podsOf(plain, "dra",
			"kubelet-plugin", "nvidia-dra-driver-gpu-component", "kubelet-plugin", "gpus", nil)}, LinkSlices, begins +
			"the DRA driver of daemonset dra/kubelet-plugin runs and publishes no ResourceSlice: " +
			"kubectl -n dra logs -l nvidia-dra-driver-gpu-component=kubelet-plugin --prefix --tail=20"},
		"slices incomplete": {Evidence{Claims: claimOf("gpu.nvidia.com"), Pod: &corev1.Pod{}, Nodes: plain,
			ResourceSlices: slicesOf(plain, "gpu.nvidia.com", 2, device)}, LinkSlices, begins + "the driver gpu.nvidia.com has published 1 of 2 " +
			"ResourceSlices: kubectl get resourceslices --field-selector spec.driver=gpu.nvidia.com,spec.nodeName=node-0 -o yaml"},
		"every device tainted": {Evidence{Claims: claimOf("gpu.nvidia.com"), Pod: &corev1.Pod{}, Nodes: plain,
			ResourceSlices: slicesOf(plain, "gpu.nvidia.com", 1, lost)}, LinkTaints, begins + "every device of gpu.nvidia.com is tainted " +
			"(gpu.nvidia.com/gpu-lost), and only claims that tolerate it get one: " +
			"kubectl get resourceslices --field-selector spec.driver=gpu.nvidia.com,spec.nodeName=node-0 -o yaml"},
		"validator not ready": {Evidence{Pod: ask, Nodes: driven, Pods: operatorPods(driven, validator, waiting("CrashLoopBackOff"))},
			LinkValidator, begins +
				"the validator pods of daemonset gpu-operator/nvidia-operator-validator crash: " +
				"kubectl -n gpu-operator get pods -l app=nvidia-operator-validator -o wide"},
		"the validator cannot run CUDA": {Evidence{Pod: ask, Nodes: driven, Pods: operatorPods(driven, validator,
			inits("driver-validation", "toolkit-validation", "cuda-validation"))}, LinkDriver, begins + "init container cuda-validation of " +
			"daemonset " +
			"gpu-operator/nvidia-operator-validator does not end: CUDA does not run: " +
			"kubectl -n gpu-operator logs -l app=nvidia-operator-validator -c cuda-validation --prefix --tail=5"},
		"no node labelled for Ashlar's driver": {Evidence{
			Claims: claimOf("gpu.ashlar.dev"), Pod: &corev1.Pod{}, Nodes: plain, DeviceClasses: []*resourceapi.DeviceClass{ashlarClass},
		}, LinkDRADriver, begins + "Ashlar's driver, which gpu.ashlar.dev is for, runs on nodes labelled ashlar.dev/driver=true only: " +
			"kubectl label node node-0 ashlar.dev/driver=true"},
		"no node labelled for Ashlar's driver, by its DaemonSet": {Evidence{
			Claims: claimOf("gpu.ashlar.dev"), Pod: &corev1.Pod{}, Nodes: plain, DaemonSets: []*appsv1.DaemonSet{daemonSet("ashlar-system",
				"ashlar-dra-driver",
				"app.kubernetes.io/name", "ashlar-dra-driver", "driver", corev1.PodSpec{NodeSelector: map[string]string{"ashlar.dev/driver": "true"}})},
		}, LinkDRADriver, begins + "daemonset ashlar-system/ashlar-dra-driver, the DRA driver, runs on nodes labelled ashlar.dev/driver=true " +
			"only: " +
			"kubectl label node node-0 ashlar.dev/driver=true"},
		"slices behind no class of that resource": {Evidence{
			Pod: ask, Nodes: plain, DeviceClasses: []*resourceapi.DeviceClass{ashlarClass}, ResourceSlices: slicesOf(plain, "gpu.ashlar.dev",
				1, device),
		}, LinkDeviceClass, "3 node(s) offer GPUs through ResourceSlices of gpu.ashlar.dev, and no DeviceClass with extendedResourceName " +
			"nvidia.com/gpu takes " +
			"them; ask by claim, or name the resource in a class: kubectl get deviceclasses " +
			"-o custom-columns=NAME:.metadata.name,RESOURCE:.spec.extendedResourceName"},
		"a claim where only a plugin offers GPUs": {Evidence{Claims: claimOf("mig.nvidia.com"), Pod: &corev1.Pod{},
			Nodes: withAllocatable(plain)},
			LinkDeviceClass, "3 node(s) offer GPUs through a device plugin, none through gpu.nvidia.com, which mig.nvidia.com takes its devices " +
				"from; " +
				"pods reach a plugin's GPUs by nvidia.com/gpu or nvidia.com/mig-* in place of a claim: kubectl get resourceslices"},
	} {
		t.Run(name, func(t *testing.T) {
			finding, found := FirstBrokenLink(tc.evidence)
			if !found || finding.Link != tc.want || finding.String() != tc.text {
				t.Errorf("got  %s: %s\nwant %s: %s", finding.Link, finding, tc.want, tc.text)
			}
			if len(finding.String()) > longestText || len(finding.Nodes) != 3 || strings.HasSuffix(finding.Cause, "...") {
				t.Errorf("%d bytes, nodes %v", len(finding.String()), finding.Nodes)
			}
		})
	}
}

func withAllocatable(nodes []*corev1.Node) []*corev1.Node {
	var all []*corev1.Node
	for _, node := range nodes {
		node = node.DeepCopy()
		node.Status.Allocatable = quantities("nvidia.com/gpu", 8)
		all = append(all, node)
	}
	return all
}
