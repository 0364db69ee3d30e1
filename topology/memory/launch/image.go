package launch

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// image is a container image that a model server is published as.
type image struct {
	program *program
	// entrypoint says that the image starts the server itself, so that arguments alone
	// are the server's.
	entrypoint bool
	// versioned says that tags are the engine's releases.
	versioned bool
}

// images are known images by the last part of their name, whatever the registry:
// companies mirror them.
var images = map[string]image{
	"vllm-openai":               {vllmImage, true, true},
	"vllm":                      {vllmServe, false, false},
	"llm-d":                     {vllmServe, false, false},
	"llm-d-cuda":                {vllmServe, false, false},
	"llm-d-dev":                 {vllmServe, false, false},
	"sglang":                    {sglangServer, false, true},
	"text-generation-inference": {tgiLauncher, true, true},
	"huggingfaceserver":         {huggingface, true, false},
	"tritonserver":              {tritonServer, false, false},
	"tensorrt-llm":              {trtllmServe, false, true},
	"tensorrt-llm/release":      {trtllmServe, false, true},
	"text-embeddings-inference": {unaccounted("text-embeddings-inference"), true, false},
	"ollama":                    {unaccounted("ollama"), true, false},
	"llama.cpp":                 {unaccounted("llama.cpp"), true, false},
	"lmdeploy":                  {unaccounted("lmdeploy"), false, false},
	"infinity":                  {unaccounted("infinity"), true, false},
	"aphrodite-openai":          {unaccounted("aphrodite"), true, false},
	"torchserve":                {unaccounted("torchserve"), true, false},
	"localai":                   {unaccounted("localai"), true, false},
	"xinference":                {unaccounted("xinference"), false, false},
}

// imageOf looks an image up.
func imageOf(name string) (image, bool) {
	repository, _ := repository(name)
	if strings.HasPrefix(repository, "nvcr.io/nim/") {
		return image{unaccounted("nim"), true, false}, true
	}
	last := path.Base(repository)
	if found, known := images[path.Base(path.Dir(repository))+"/"+last]; known {
		return found, true
	}
	found, known := images[strings.TrimSuffix(last, "-gpu")]
	return found, known
}

// repository splits an image's name into repository and tag, without digest.
func repository(name string) (repository, tag string) {
	name, _, _ = strings.Cut(name, "@")
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		return name[:colon], name[colon+1:]
	}
	return name, ""
}

var release = regexp.MustCompile(`^v?[0-9]+\.[0-9]+`)

// version reads the engine's version off the image's tag.
func (r *Reading) version(name string, found image, known bool) {
	_, tag := repository(name)
	switch {
	case !known || !found.versioned:
		r.doubt("Version", fmt.Sprintf("image %q does not say which release of %s it has, state it with annotation %s", name, r.Server, EngineVersion))
		return
	case tag == "":
		r.doubt("Version", fmt.Sprintf("image %q has no tag, state the release with annotation %s", name, EngineVersion))
		return
	case !release.MatchString(tag) || strings.HasSuffix(tag, "-py3"): // 25.09-py3 is NVIDIA's release
		r.doubt("Version", fmt.Sprintf("tag %q names no release, state it with annotation %s", tag, EngineVersion))
		return
	}
	version, err := memory.ParseVersion(tag)
	if err != nil {
		r.doubt("Version", fmt.Sprintf("tag %q names no release, state it with annotation %s", tag, EngineVersion))
		return
	}
	r.Launch.Version = version
	r.Stated["Version"] = "image tag " + tag
}
