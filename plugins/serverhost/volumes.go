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

// sharedNames are parts of names of claims that several nodes can mount.
var sharedNames = strings.Fields("rwx rox many shared nfs efs fsx filestore lustre cephfs gcsfuse azurefile weka juicefs")

// noteSharedVolumes is about one volume for several replicas. Of a claim that is not there, nothing is said
// where its name or a read-only use speaks for a volume that is shared.
func (s *ModelServer) noteSharedVolumes() []HostNote {
	if s.Replicas < 2 {
		return nil
	}
	var notes []HostNote
	for i := range s.Pod.Volumes {
		source := s.Pod.Volumes[i].PersistentVolumeClaim
		if source == nil {
			continue
		}
		note := HostNote{
			Cause:  fmt.Sprintf("%d replicas share the volume of PersistentVolumeClaim %s", s.Replicas, source.ClaimName),
			Remedy: "take ReadWriteMany or ReadOnlyMany, or a volume for each", Lines: []string{"accessModes: [ReadWriteMany]"},
		}
		known := s.Neighbours.Claims[source.ClaimName]
		switch {
		case known == nil && (source.ReadOnly || s.mountsReadOnly(s.Pod.Volumes[i].Name) || soundsShared(source.ClaimName)):
			continue
		case known == nil:
			note.Cause += ", which this manifest does not have"
			note.Detail = "if it is ReadWriteOnce, replicas start on one node only"
		case slices.Contains(known.Spec.AccessModes, corev1.ReadWriteMany), slices.Contains(known.Spec.AccessModes, corev1.ReadOnlyMany):
			continue
		case slices.Contains(known.Spec.AccessModes, corev1.ReadWriteOncePod):
			note.Cause += ", which is ReadWriteOncePod"
			note.Detail = "only one of them starts"
		case slices.Contains(known.Spec.AccessModes, corev1.ReadWriteOnce):
			note.Cause += ", which is ReadWriteOnce"
			note.Detail = "replicas on other nodes than the first wait in ContainerCreating (Multi-Attach error)"
		default:
			continue
		}
		notes = append(notes, note)
	}
	return notes
}

// soundsShared reports whether a claim's name says that several nodes can mount it.
func soundsShared(name string) bool {
	return slices.ContainsFunc(sharedNames, func(part string) bool { return strings.Contains(strings.ToLower(name), part) })
}

// mountsReadOnly reports whether the container only reads a volume.
func (s *ModelServer) mountsReadOnly(volume string) bool {
	mounted := false
	for i := range s.Container.VolumeMounts {
		if m := &s.Container.VolumeMounts[i]; m.Name == volume {
			if !m.ReadOnly {
				return false
			}
			mounted = true
		}
	}
	return mounted
}

// noteStorage is about where a model that is named by its place on the hub is downloaded to.
func (s *ModelServer) noteStorage() []HostNote {
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
		return s.noteTooSmall(limit, limited, fmt.Sprintf("the container's own storage, limits.ephemeral-storage %s", &limit), "evicted",
			"resources: {limits: {ephemeral-storage: SIZE}}")
	}
	volume := s.volumeNamed(mount.Name)
	switch own := s.Neighbours.Templates[mount.Name]; {
	case volume == nil && own != nil:
		return s.noteClaim(own)
	case volume == nil:
	case volume.EmptyDir != nil && volume.EmptyDir.SizeLimit != nil && !volume.EmptyDir.SizeLimit.IsZero():
		limit, medium := *volume.EmptyDir.SizeLimit, ""
		if volume.EmptyDir.Medium != "" {
			medium = "medium: " + string(volume.EmptyDir.Medium) + ", "
		}
		return s.noteTooSmall(limit, true, fmt.Sprintf("volume %s, an emptyDir of %s", volume.Name, &limit), "evicted",
			"volumes: [{name: "+quoteText(volume.Name)+", emptyDir: {"+medium+"sizeLimit: SIZE}}]")
	case volume.EmptyDir != nil && volume.EmptyDir.Medium == corev1.StorageMediumDefault:
		limit, limited := s.ephemeralLimit()
		return s.noteTooSmall(limit, limited, fmt.Sprintf("volume %s, an emptyDir, which counts within limits.ephemeral-storage %s", volume.Name,
			&limit), "evicted", "resources: {limits: {ephemeral-storage: SIZE}}")
	case volume.PersistentVolumeClaim != nil:
		return s.noteClaim(s.Neighbours.Claims[volume.PersistentVolumeClaim.ClaimName])
	}
	return nil
}

// ephemeralLimit is how much the pod may put on its node's disk: what the limits of its containers
// add up to. Source: podEphemeralStorageLimitEviction of the kubelet's eviction manager.
func (s *ModelServer) ephemeralLimit() (sum resource.Quantity, limited bool) {
	for i := range s.Pod.Containers {
		if limit, stated := s.Pod.Containers[i].Resources.Limits[corev1.ResourceEphemeralStorage]; stated {
			sum.Add(limit)
			limited = true
		}
	}
	return sum, limited
}

// noteClaim is about a claim into which the model is downloaded, nil for one that is not known.
func (s *ModelServer) noteClaim(claim *corev1.PersistentVolumeClaim) []HostNote {
	if claim == nil {
		return nil
	}
	size, stated := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	return s.noteTooSmall(size, stated, fmt.Sprintf("PersistentVolumeClaim %s of %s", claim.Name, &size), "stopped for want of space",
		"resources: {requests: {storage: SIZE}}")
}

// noteTooSmall is about a place that is smaller than the files that are put there. line is what to type,
// with SIZE for the size.
func (s *ModelServer) noteTooSmall(size resource.Quantity, stated bool, where, outcome, line string) []HostNote {
	if !stated || size.Sign() <= 0 || topology.Bytes(size.Value()) >= s.Weights {
		return nil
	}
	const step = 10 * topology.GiB
	enough := fmt.Sprintf("%dGi", int64((s.Weights+s.Weights/10+step-1)/step*step/topology.GiB))
	return []HostNote{{
		Cause:  fmt.Sprintf("%s of weights are downloaded into %s", s.Weights, where),
		Detail: fmt.Sprintf("the server is %s before it is up", outcome),
		Remedy: "give it more than the weights", Lines: []string{strings.ReplaceAll(line, "SIZE", enough)},
	}}
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
