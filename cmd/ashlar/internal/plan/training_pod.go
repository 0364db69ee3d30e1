package plan

import (
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// trainingLaunchers are programs and Python modules that start training.
var trainingLaunchers = map[string]bool{
	"torchrun": true, "torch.distributed.run": true, "torch.distributed.launch": true, "accelerate": true, "deepspeed": true,
	"axolotl": true, "llamafactory-cli": true, "composer": true, "horovodrun": true,
}

// trainingLauncher is the program by which a pod trains, as it is called there; "" if it starts none
// that is known. Containers of model servers are not asked about.
func trainingLauncher(spec *corev1.PodSpec) string {
	for i := range spec.Containers {
		c := &spec.Containers[i]
		for _, list := range [][]string{c.Command, c.Args} {
			for _, text := range list {
				for word := range strings.FieldsSeq(text) {
					if name := path.Base(word); trainingLaunchers[name] {
						return name
					}
				}
			}
		}
	}
	return ""
}
