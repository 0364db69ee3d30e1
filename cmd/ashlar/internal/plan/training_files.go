package plan

import (
	"path"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
	"github.com/ashlar-dev/ashlar/plugins/podspec"
)

// configMaps are the texts of the ConfigMaps of a manifest, by name and key.
type configMaps map[string]map[string]string

// readConfigMaps finds them.
func readConfigMaps(objects []podspec.Object) configMaps {
	all := configMaps{}
	for i := range objects {
		if objects[i].Kind != "ConfigMap" {
			continue
		}
		var one corev1.ConfigMap
		if decodeObject(&objects[i], &one) {
			all[objects[i].Name] = one.Data
		}
	}
	return all
}

// parsedTexts are the files among those that are YAML or JSON with keys.
func parsedTexts(texts map[string]string) map[string]map[string]any {
	files := map[string]map[string]any{}
	for where, text := range texts {
		if content := parseKeys(where, text); content != nil {
			files[where] = content
		}
	}
	return files
}

// mountedTexts are the files that a container sees of ConfigMaps, by path.
func (c configMaps) mountedTexts(spec *corev1.PodSpec, container *corev1.Container) map[string]string {
	files := map[string]string{}
	for _, mount := range container.VolumeMounts {
		for name, text := range c.volumeFiles(spec, mount.Name) {
			where := path.Join(mount.MountPath, name)
			if mount.SubPath != "" {
				if path.Clean(mount.SubPath) != name {
					continue
				}
				where = path.Clean(mount.MountPath)
			}
			files[where] = text
		}
	}
	return files
}

// volumeFiles are the files of a pod's volume, by name.
func (c configMaps) volumeFiles(spec *corev1.PodSpec, volume string) map[string]string {
	files := map[string]string{}
	add := func(name string, items []corev1.KeyToPath) {
		if len(items) == 0 {
			for key, text := range c[name] {
				files[key] = text
			}
		}
		for _, item := range items {
			if text, found := c[name][item.Key]; found {
				files[path.Clean(item.Path)] = text
			}
		}
	}
	for i := range spec.Volumes {
		v := &spec.Volumes[i]
		if v.Name != volume {
			continue
		}
		if v.ConfigMap != nil {
			add(v.ConfigMap.Name, v.ConfigMap.Items)
		}
		if v.Projected != nil {
			for _, source := range v.Projected.Sources {
				if source.ConfigMap != nil {
					add(source.ConfigMap.Name, source.ConfigMap.Items)
				}
			}
		}
	}
	return files
}

// maxConfigFile bounds a configuration file; a ConfigMap holds 1 MiB.
const maxConfigFile = 1 << 20

// parseKeys reads YAML or JSON, nil if it is neither or has no keys.
func parseKeys(name, text string) map[string]any {
	documents, _ := yamlfile.Parse(name, []byte(text), yamlfile.Options{Aliases: true, MaxBytes: maxConfigFile})
	if len(documents) == 0 {
		return nil
	}
	var content map[string]any
	if faults := documents[0].Decode(&content); len(faults) > 0 && len(content) == 0 {
		return nil
	}
	return content
}
