package serverhost

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// noteSharedVolumes is about one volume for several replicas.
func (s *ModelServer) noteSharedVolumes() []string {
	if s.Replicas < 2 {
		return nil
	}
	var notes []string
	for i := range s.Pod.Volumes {
		source := s.Pod.Volumes[i].PersistentVolumeClaim
		if source == nil {
			continue
		}
		known := s.Neighbours.Claims[source.ClaimName]
		const remedy = "take ReadWriteMany or ReadOnlyMany, or a volume for each"
		switch {
		case known == nil:
			notes = append(notes, fmt.Sprintf("%d replicas share the volume of PersistentVolumeClaim %s, which this manifest does not have: if it "+
				"is ReadWriteOnce, replicas start on one node only: %s", s.Replicas, source.ClaimName, remedy))
		case slices.Contains(known.Spec.AccessModes, corev1.ReadWriteMany), slices.Contains(known.Spec.AccessModes, corev1.ReadOnlyMany):
		case slices.Contains(known.Spec.AccessModes, corev1.ReadWriteOncePod):
			notes = append(notes, fmt.Sprintf("%d replicas share the volume of PersistentVolumeClaim %s, which is ReadWriteOncePod: only one of "+
				"them starts: %s", s.Replicas, source.ClaimName, remedy))
		case slices.Contains(known.Spec.AccessModes, corev1.ReadWriteOnce):
			notes = append(notes, fmt.Sprintf("%d replicas share the volume of PersistentVolumeClaim %s, which is ReadWriteOnce: replicas on other "+
				"nodes than the first wait in ContainerCreating (Multi-Attach error): %s", s.Replicas, source.ClaimName, remedy))
		}
	}
	return notes
}

// noteStorage is about where a model that is named by its place on the hub is downloaded to.
func (s *ModelServer) noteStorage() []string {
	if !s.downloadsModel() {
		return nil
	}
	folder := s.cacheFolder()
	if folder == "" {
		return nil
	}
	mount := s.mountCovering(folder)
	if mount == nil {
		limit, limited := s.Container.Resources.Limits[corev1.ResourceEphemeralStorage]
		return s.noteTooSmall(limit, limited, fmt.Sprintf("the container's own storage, limits.ephemeral-storage %s", &limit), "evicted")
	}
	volume := s.volumeNamed(mount.Name)
	switch own := s.Neighbours.Templates[mount.Name]; {
	case volume == nil && own != nil:
		return s.noteClaim(own)
	case volume == nil:
	case volume.EmptyDir != nil && volume.EmptyDir.SizeLimit != nil:
		limit := *volume.EmptyDir.SizeLimit
		return s.noteTooSmall(limit, !limit.IsZero(), fmt.Sprintf("volume %s, an emptyDir of %s", volume.Name, &limit), "evicted")
	case volume.PersistentVolumeClaim != nil:
		return s.noteClaim(s.Neighbours.Claims[volume.PersistentVolumeClaim.ClaimName])
	}
	return nil
}

// noteClaim is about a claim into which the model is downloaded, nil for one that is not known.
func (s *ModelServer) noteClaim(claim *corev1.PersistentVolumeClaim) []string {
	if claim == nil {
		return nil
	}
	size, stated := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	return s.noteTooSmall(size, stated, fmt.Sprintf("PersistentVolumeClaim %s of %s", claim.Name, &size), "stopped for want of space")
}

// noteTooSmall is about a place that is smaller than the files that are put there.
func (s *ModelServer) noteTooSmall(size resource.Quantity, stated bool, where, outcome string) []string {
	if !stated || size.Sign() <= 0 || topology.Bytes(size.Value()) >= s.Weights {
		return nil
	}
	return []string{fmt.Sprintf("%s of weights are downloaded into %s: the server is %s before it is up: give it more than the weights",
		s.Weights, where, outcome)}
}

// downloadsModel reports whether the container names its model by its place on the hub.
func (s *ModelServer) downloadsModel() bool {
	for _, list := range [][]string{s.Container.Command, s.Container.Args} {
		for _, text := range list {
			for word := range strings.FieldsSeq(text) {
				if strings.Contains(s.Model, "/") && (word == s.Model || strings.HasSuffix(word, "="+s.Model)) {
					return true
				}
			}
		}
	}
	return false
}

// cacheFolder is where huggingface_hub puts files: by its variables, or in the home of the
// images' user. "" if a variable is kept elsewhere, or a flag says where.
func (s *ModelServer) cacheFolder() string {
	for _, list := range [][]string{s.Container.Command, s.Container.Args} {
		for _, text := range list {
			if strings.Contains(text, "--download-dir") || strings.Contains(text, "--download_dir") {
				return ""
			}
		}
	}
	values := map[string]string{}
	for _, v := range s.Container.Env {
		if v.ValueFrom != nil {
			values[v.Name] = "?"
		} else {
			values[v.Name] = v.Value
		}
	}
	folder := cmp.Or(values["HF_HUB_CACHE"], values["HUGGINGFACE_HUB_CACHE"], values["HF_HOME"])
	switch {
	case folder == "" && s.Launch.Engine == memory.TGI:
		folder = "/data" // its image sets HUGGINGFACE_HUB_CACHE
	case folder == "":
		folder = path.Join(cmp.Or(values["HOME"], "/root"), ".cache/huggingface")
	}
	if !path.IsAbs(folder) || strings.Contains(folder, "$(") {
		return ""
	}
	return path.Clean(folder)
}

// mountCovering is the innermost mount with a folder, nil if it is the container's own.
func (s *ModelServer) mountCovering(folder string) *corev1.VolumeMount {
	var best *corev1.VolumeMount
	for i := range s.Container.VolumeMounts {
		m := &s.Container.VolumeMounts[i]
		at := path.Clean(m.MountPath)
		within := folder == at || strings.HasPrefix(folder, strings.TrimSuffix(at, "/")+"/")
		if within && (best == nil || len(at) > len(path.Clean(best.MountPath))) {
			best = m
		}
	}
	return best
}
