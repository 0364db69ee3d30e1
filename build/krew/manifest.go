package krew

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/krew/pkg/constants"
	"sigs.k8s.io/krew/pkg/index"
	"sigs.k8s.io/yaml"
)

// Archive is the released command line for one platform.
type Archive struct {
	OS, Architecture string
	// URL is where the archive will be, SHA256 its digest.
	URL, SHA256 string
}

// NewPlugin is the manifest of a version, such as v0.3.0. In each archive the program is
// called ashlar; as kubectl-ashlar it knows that it is a plugin.
func NewPlugin(version string, archives []Archive) index.Plugin {
	plugin := index.Plugin{
		TypeMeta:   metav1.TypeMeta{APIVersion: constants.CurrentAPIVersion, Kind: constants.PluginKind},
		ObjectMeta: metav1.ObjectMeta{Name: "ashlar"},
		Spec: index.PluginSpec{
			Version:          version,
			ShortDescription: "GPU placement, explained and planned",
			Homepage:         "https://github.com/ashlar-dev/ashlar",
			Description: "Says which GPUs of a cluster are free, in whole, in MIG slices and in shares,\n" +
				"why a pod waits for one, what would fit, and what a model server needs.\n" +
				"Commands that look at a cluster read only.\n",
		},
	}
	for _, archive := range archives {
		plugin.Spec.Platforms = append(plugin.Spec.Platforms, index.Platform{
			URI: archive.URL, Sha256: archive.SHA256, Bin: "kubectl-ashlar",
			Files:    []index.FileOperation{{From: "ashlar", To: "kubectl-ashlar"}, {From: "LICENSE", To: "."}},
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"os": archive.OS, "arch": archive.Architecture}},
		})
	}
	return plugin
}

// FormatPlugin is a manifest as YAML.
func FormatPlugin(plugin index.Plugin) ([]byte, error) { return yaml.Marshal(plugin) }
