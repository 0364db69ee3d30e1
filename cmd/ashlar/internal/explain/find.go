package explain

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology/nearest"
)

// findPod is the pod of a name, which may be pod/NAME. The error names the nearest ones.
func findPod(objects *dryrun.ClusterObjects, namespace, name string) (*corev1.Pod, error) {
	if kind, rest, found := strings.Cut(name, "/"); found {
		if !slices.Contains([]string{"pod", "pods", "po"}, strings.ToLower(kind)) {
			return nil, cli.UsageErrorf("%s: want a pod's name or pod/NAME; -n names the namespace", cli.PlainText(name))
		}
		name = rest
	}
	var here, elsewhere []string
	for _, pod := range objects.Pods {
		switch {
		case pod.Namespace == namespace && pod.Name == name:
			return pod, nil
		case pod.Namespace == namespace:
			here = append(here, pod.Name)
		case pod.Name == name:
			elsewhere = append(elsewhere, pod.Namespace)
		}
	}
	text := "there is no pod " + cli.PlainText(name) + " in namespace " + cli.PlainText(namespace)
	if len(elsewhere) > 0 {
		slices.Sort(elsewhere)
		return nil, cli.UsageErrorf(
			"%s; there is one of that name in %s: name it with -n",
			text,
			strings.Join(elsewhere[:min(4, len(elsewhere))], ", "),
		)
	}
	if near := nearest.Names(name, here); len(near) > 0 {
		return nil, cli.UsageErrorf("%s; the nearest: %s", text, strings.Join(near, ", "))
	}
	return nil, cli.UsageErrorf("%s, which has %s: it was deleted, or is elsewhere", text, cli.CountNoun(len(here), "pod"))
}
