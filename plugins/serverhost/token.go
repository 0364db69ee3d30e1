package serverhost

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// gatedModels begin the names of models whose files the hub gives only to those who accepted a
// licence, as the pages of these models say.
var gatedModels = []string{
	"meta-llama/",
	"google/gemma-2b", "google/gemma-7b", "google/gemma-1.1-", "google/gemma-2-", "google/gemma-3-", "google/gemma-3n-", "google/codegemma-",
	"google/paligemma", "google/medgemma-", "google/shieldgemma-",
	"CohereLabs/c4ai-", "CohereForAI/c4ai-", "CohereLabs/aya-", "CohereForAI/aya-",
	"mistralai/Codestral-22B", "mistralai/Mistral-Large-Instruct-",
	"black-forest-labs/FLUX.1-dev", "stabilityai/stable-diffusion-3", "tiiuae/falcon-180B", "databricks/dbrx-",
}

// tokenWords are what a container has that brings a token for the hub, or needs none.
var tokenWords = []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACEHUB_API_TOKEN", "HF_API_TOKEN", "HF_API_KEY", "HF_ENDPOINT",
	"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "VLLM_USE_MODELSCOPE", "SGLANG_USE_MODELSCOPE"}

// noteToken is about a gated model that is downloaded without a token, as far as the pod tells: a
// token may be in a volume with the files, and files may be there already.
func (s *ModelServer) noteToken() []HostNote {
	lower := strings.ToLower(s.Model)
	gated := slices.ContainsFunc(gatedModels, func(prefix string) bool { return strings.HasPrefix(lower, strings.ToLower(prefix)) })
	if !gated || s.HasOperator || !s.downloadsModel() || s.bringsToken() || s.keepsFiles() {
		return nil
	}
	return []HostNote{{
		Cause:  fmt.Sprintf("%s is gated, and the container has no token for the hub", s.Model),
		Detail: "the hub answers 401 (GatedRepoError)",
		Remedy: "give it HF_TOKEN of an account that accepted the licence",
		Lines:  []string{"env: [{name: HF_TOKEN, valueFrom: {secretKeyRef: {name: hf-token, key: token}}}]"},
	}}
}

// bringsToken reports whether anything in the container speaks of a token, or of another source of models.
func (s *ModelServer) bringsToken() bool {
	if len(s.Container.EnvFrom) > 0 {
		return true
	}
	for _, v := range s.Container.Env {
		if slices.ContainsFunc(tokenWords, func(word string) bool { return strings.Contains(v.Name, word) }) {
			return true
		}
	}
	for _, list := range [][]string{s.Container.Command, s.Container.Args} {
		for _, text := range list {
			text = strings.ToLower(strings.ReplaceAll(text, "_", "-"))
			if strings.Contains(text, "hf-token") || strings.Contains(text, "huggingface-cli login") || strings.Contains(text, "hf auth login") {
				return true
			}
		}
	}
	return false
}

// keepsFiles reports whether the model's files may be there before the server starts, with a token
// beside them or not: they are in a volume that outlives the pod, or that others fill.
func (s *ModelServer) keepsFiles() bool {
	folder := s.cacheFolder()
	if folder == "" {
		return true
	}
	mount := s.mountCovering(folder)
	if mount == nil {
		return false
	}
	volume := s.volumeNamed(mount.Name)
	if volume == nil || volume.EmptyDir == nil {
		return true
	}
	filled := func(c *corev1.Container) bool {
		return slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume.Name })
	}
	for i := range s.Pod.InitContainers {
		if filled(&s.Pod.InitContainers[i]) {
			return true
		}
	}
	return false
}

// cacheVolume is the volume into which the model is downloaded, nil for the container's own storage
// and where that is not known.
func (s *ModelServer) cacheVolume() *corev1.Volume {
	folder := s.cacheFolder()
	if folder == "" {
		return nil
	}
	if mount := s.mountCovering(folder); mount != nil {
		return s.volumeNamed(mount.Name)
	}
	return nil
}
