package plan

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
)

// trainJob is what of Kubeflow's TrainJob says what its trainer's container runs: the rest is its runtime's.
type trainJob struct {
	Spec struct {
		Trainer struct {
			Image            string                      `json:"image"`
			Command          []string                    `json:"command"`
			Args             []string                    `json:"args"`
			Env              []corev1.EnvVar             `json:"env"`
			NumNodes         int64                       `json:"numNodes"`
			ResourcesPerNode corev1.ResourceRequirements `json:"resourcesPerNode"`
		} `json:"trainer"`
	} `json:"spec"`
	Metadata struct {
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
}

// rayJob is what of a RayJob says what it submits.
type rayJob struct {
	Spec struct {
		Entrypoint string `json:"entrypoint"`
	} `json:"spec"`
	Metadata struct {
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
}

// commandPods are pods for the objects that state a command beside the pods that run it: TrainJob and RayJob.
func commandPods(objects []podspec.Object) []podspec.Pod {
	var pods []podspec.Pod
	for i := range objects {
		o := &objects[i]
		pod := podspec.Pod{File: o.File, Line: o.Line, Object: o.Kind + " " + o.Name, Replicas: 1}
		switch o.Kind {
		case "TrainJob":
			var one trainJob
			trainer := &one.Spec.Trainer
			if !decodeObject(o, &one) || len(trainer.Command)+len(trainer.Args) == 0 {
				continue
			}
			pod.Annotations, pod.Replicas = one.Metadata.Annotations, max(1, trainer.NumNodes)
			pod.Spec.Containers = []corev1.Container{{Name: "trainer", Image: trainer.Image, Command: trainer.Command, Args: trainer.Args,
				Env: trainer.Env, Resources: trainer.ResourcesPerNode}}
		case "RayJob":
			var one rayJob
			if !decodeObject(o, &one) || one.Spec.Entrypoint == "" {
				continue
			}
			pod.Annotations = one.Metadata.Annotations
			pod.Spec.Containers = []corev1.Container{{Name: "entrypoint", Command: []string{"bash", "-c", one.Spec.Entrypoint}}}
		default:
			continue
		}
		pods = append(pods, pod)
	}
	return pods
}
