package launch

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// serverImage is a container image that a model server is published as.
type serverImage struct {
	program *serverProgram
	// entrypoint says that the image starts the server itself, so that arguments alone
	// are the server's.
	entrypoint bool
	// versioned says that tags are the engine's releases.
	versioned bool
}

// serverImages are known images by the last part of their name, whatever the registry:
// companies mirror them.
var serverImages = map[string]serverImage{
	"vllm-openai":               {vllmImage, true, true},
	"vllm":                      {vllmServe, false, false},
	"llm-d":                     {vllmServe, false, false},
	"llm-d-cuda":                {vllmServe, false, false},
	"llm-d-dev":                 {vllmServe, false, false},
	"sglang":                    {sglangServer, false, true},
	"text-generation-inference": {tgiLauncher, true, true},
	"huggingfaceserver":         {huggingfaceServer, true, false},
	"tritonserver":              {tritonServer, false, false},
	"tensorrt-llm":              {trtllmServe, false, true},
	"tensorrt-llm/release":      {trtllmServe, false, true},
	"text-embeddings-inference": {unaccountedServer("text-embeddings-inference"), true, false},
	"ollama":                    {unaccountedServer("ollama"), true, false},
	"llama.cpp":                 {unaccountedServer("llama.cpp"), true, false},
	"lmdeploy":                  {unaccountedServer("lmdeploy"), false, false},
	"infinity":                  {unaccountedServer("infinity"), true, false},
	"aphrodite-openai":          {unaccountedServer("aphrodite"), true, false},
	"torchserve":                {unaccountedServer("torchserve"), true, false},
	"localai":                   {unaccountedServer("localai"), true, false},
	"xinference":                {unaccountedServer("xinference"), false, false},
}

// findImage looks an image up.
func findImage(name string) (serverImage, bool) {
	repository, _ := splitImage(name)
	if strings.HasPrefix(repository, "nvcr.io/nim/") {
		return serverImage{unaccountedServer("nim"), true, false}, true
	}
	last := path.Base(repository)
	if found, known := serverImages[path.Base(path.Dir(repository))+"/"+last]; known {
		return found, true
	}
	found, known := serverImages[strings.TrimSuffix(last, "-gpu")]
	return found, known
}

// splitImage splits an image's name into repository and tag, without digest.
func splitImage(name string) (repository, tag string) {
	name, _, _ = strings.Cut(name, "@")
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		return name[:colon], name[colon+1:]
	}
	return name, ""
}

var releaseTag = regexp.MustCompile(`^v?[0-9]+\.[0-9]+`)

// readVersion reads the engine's version off the image's tag.
func (r *Reading) readVersion(name string, found serverImage, known bool) {
	_, tag := splitImage(name)
	switch {
	case !known || !found.versioned:
		r.markUnknown(FieldVersion, fmt.Sprintf("image %q does not say which release of %s it has, state it with annotation %s", name,
			r.Server, EngineVersionAnnotation))
		return
	case tag == "":
		r.markUnknown(FieldVersion, fmt.Sprintf("image %q has no tag, state the release with annotation %s", name, EngineVersionAnnotation))
		return
	case !releaseTag.MatchString(tag) || strings.HasSuffix(tag, "-py3"): // 25.09-py3 is NVIDIA's release
		r.markUnknown(FieldVersion, fmt.Sprintf("tag %q names no release, state it with annotation %s", tag, EngineVersionAnnotation))
		return
	}
	version, err := memory.ParseVersion(tag)
	if err != nil {
		r.markUnknown(FieldVersion, fmt.Sprintf("tag %q names no release, state it with annotation %s", tag, EngineVersionAnnotation))
		return
	}
	r.Launch.Version = version
	r.Explicit[FieldVersion] = "image tag " + tag
}
