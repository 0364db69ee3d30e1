package mps

import (
	"fmt"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// Labels of the pods, by which they are found again.
const (
	nameLabel   = "app.kubernetes.io/name"
	nameValue   = "ashlar-mps-control-daemon"
	nodeLabel   = deviceapi.Driver + "/mps-node"
	deviceLabel = deviceapi.Driver + "/mps-device"
	// settingsAnnotation has the commands that the daemon is told at its start.
	settingsAnnotation = deviceapi.Driver + "/mps-settings"
)

// driverMount is where the pod has the driver's root, into which it changes.
const driverMount = "/driver-root"

// daemonScript starts the daemon and tells it its settings, which are the arguments. It notes
// that it is set up, answers a signal to end by ending the daemon's clients, and ends with the
// daemon. What pipes there are at its start are those of a daemon that has ended.
const daemonScript = `ready="$CUDA_MPS_LOG_DIRECTORY/ready"
rm -rf "$ready" "$CUDA_MPS_PIPE_DIRECTORY"/*
nvidia-cuda-mps-control -f & daemon=$!
trap 'echo "quit -t 10" | nvidia-cuda-mps-control' TERM INT
until echo get_default_active_thread_percentage | nvidia-cuda-mps-control; do
  kill -0 $daemon || exit 1
  sleep 0.2
done
for setting in "$@"; do
  echo "$setting" | nvidia-cuda-mps-control || exit 1
done
touch "$ready"
wait $daemon || wait $daemon
`

// probeScript reports whether the daemon is set up and answers.
const probeScript = `test -e "$CUDA_MPS_LOG_DIRECTORY/ready" && echo get_default_active_thread_percentage | nvidia-cuda-mps-control`

// podName is that of the device's daemon; UUIDs are unique in a cluster.
func podName(uuid string) string { return "ashlar-mps-" + strings.ToLower(uuid) }

// podOf is the pod of a daemon. It is bound to the node, since the driver knows better than the
// scheduler where it must run; it is privileged, because it uses a GPU that no claim gives it; and it has the
// host's process IDs, by which the daemon knows its clients.
func podOf(options PodOptions, spec Spec) *corev1.Pod {
	paths := pathsOf(options.Root, spec.UUID)
	settings := spec.settings()
	inDriver := []string{"chroot", driverMount, "sh", "-c"}
	probe := corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: append(append([]string{}, inDriver...), probeScript)}}
	pod := &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   options.Namespace,
			Name:        podName(spec.UUID),
			Labels:      map[string]string{nameLabel: nameValue, nodeLabel: labelValue(options.Node), deviceLabel: spec.UUID},
			Annotations: map[string]string{settingsAnnotation: strings.Join(settings, "; ")},
		},
		Spec: corev1.PodSpec{
			NodeName:                      options.Node,
			HostPID:                       true,
			RestartPolicy:                 corev1.RestartPolicyAlways,
			PriorityClassName:             "system-node-critical",
			AutomountServiceAccountToken:  ptr.To(false),
			EnableServiceLinks:            ptr.To(false),
			TerminationGracePeriodSeconds: ptr.To[int64](20),
			Tolerations:                   []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			Containers: []corev1.Container{{
				Name:    "mps-control-daemon",
				Image:   options.Image,
				Command: append(append(inDriver, daemonScript, "mps"), settings...),
				Env: []corev1.EnvVar{
					{Name: "CUDA_VISIBLE_DEVICES", Value: spec.UUID},
					{Name: "CUDA_MPS_PIPE_DIRECTORY", Value: paths.Pipes},
					{Name: "CUDA_MPS_LOG_DIRECTORY", Value: paths.Logs},
				},
				SecurityContext: &corev1.SecurityContext{Privileged: ptr.To(true)},
				StartupProbe:    &corev1.Probe{ProbeHandler: probe, PeriodSeconds: 1, TimeoutSeconds: 5, FailureThreshold: 60},
				ReadinessProbe:  &corev1.Probe{ProbeHandler: probe, PeriodSeconds: 10, TimeoutSeconds: 5},
				VolumeMounts: []corev1.VolumeMount{
					{Name: "driver-root", MountPath: driverMount, MountPropagation: ptr.To(corev1.MountPropagationHostToContainer)},
					{Name: "shm", MountPath: filepath.Join(driverMount, "/dev/shm")},
					{Name: "pipe", MountPath: filepath.Join(driverMount, paths.Pipes)},
					{Name: "log", MountPath: filepath.Join(driverMount, paths.Logs)},
				},
			}},
			Volumes: []corev1.Volume{
				hostVolume("driver-root", options.DriverRoot),
				hostVolume("shm", paths.Shm),
				hostVolume("pipe", paths.Pipes),
				hostVolume("log", paths.Logs),
			},
		},
	}
	return pod
}

// hostVolume is a directory of the host, which must exist.
func hostVolume(name, path string) corev1.Volume {
	source := &corev1.HostPathVolumeSource{Path: path, Type: ptr.To(corev1.HostPathDirectory)}
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{HostPath: source}}
}

// labelValue makes a node's name, of at most 253 characters, one of at most 63.
func labelValue(node string) string {
	const most = 63
	if len(node) <= most {
		return node
	}
	return fmt.Sprintf("%s-%s", strings.TrimRight(node[:most-9], "-."), shortHash(node))
}
