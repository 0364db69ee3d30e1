package launch

import (
	"fmt"
	"path"
	"regexp"
	"slices"
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
	if found, known := serverImages[strings.TrimSuffix(last, "-gpu")]; known {
		return found, true
	}
	return findImageWord(last)
}

// imageWords are parts of the names of images that clouds and companies build of a server, the more
// telling first: huggingface-text-generation-inference-cu124.2-3.ubuntu2204.py311, vllm-cuda-rhel9,
// pytorch-vllm-serve. Whether such an image starts the server itself its arguments tell.
var imageWords = []struct {
	word  string
	image serverImage
}{
	{"text-generation-inference", serverImage{program: tgiLauncher}},
	{"tgi", serverImage{program: tgiLauncher}},
	{"text-embeddings-inference", serverImage{program: unaccountedServer("text-embeddings-inference")}},
	{"tensorrt-llm", serverImage{program: trtllmServe}},
	{"trtllm", serverImage{program: trtllmServe}},
	{"tritonserver", serverImage{program: tritonServer}},
	{"sglang", serverImage{program: sglangServer}},
	{"vllm", serverImage{program: vllmServe}},
}

// otherWords are in the names of images that stand beside servers.
var otherWords = []string{"router", "gateway", "proxy", "exporter", "operator", "controller", "benchmark", "bench", "client", "loadtest"}

// findImageWord looks for a server among the words of an image's name.
func findImageWord(name string) (serverImage, bool) {
	for _, other := range otherWords {
		if hasWord(name, other) {
			return serverImage{}, false
		}
	}
	for _, one := range imageWords {
		if hasWord(name, one.word) {
			return one.image, true
		}
	}
	return serverImage{}, false
}

// hasWord reports whether a name has a word with no letter right before or behind it.
func hasWord(name, word string) bool {
	isLetter := func(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }
	for at := 0; at+len(word) <= len(name); at++ {
		end := at + len(word)
		if name[at:end] == word && (at == 0 || !isLetter(name[at-1])) && (end == len(name) || !isLetter(name[end])) {
			return true
		}
	}
	return false
}

// modelFlags are those by which arguments alone tell that an image starts a server.
var modelFlags = map[memory.Engine][]string{
	memory.VLLM: {"--model", "--model-tag"}, memory.SGLang: {"--model-path", "--model"},
	memory.TGI: {"--model-id"}, memory.TensorRTLLM: {"--model"},
}

// startsByArguments is the server that an image starts itself, as the arguments or the environment tell; nil if they
// do not.
func (i serverImage) startsByArguments(words []placedWord, env containerEnv) *serverProgram {
	engine := i.program.engine
	told := engine == memory.TGI && env["MODEL_ID"] != ""
	for n, word := range words {
		if n == 0 && !isFlagWord(word.text) {
			return nil
		}
		name, _, _ := strings.Cut(word.text, "=")
		told = told || slices.Contains(modelFlags[engine], name)
	}
	if !told {
		return nil
	}
	return engineServers[engine]
}

// builtRelease is a release in the name of an image that a cloud built: "cu124.2-3.ubuntu2204" has 2.3.
var builtRelease = regexp.MustCompile(`\.([0-9]+)-([0-9]+)(?:-([0-9]+))?\.(?:ubuntu|debian|py)`)

// releaseIn is the release that an image's name or tag tells; "" if none.
func (i serverImage) releaseIn(name, tag string) string {
	if m := builtRelease.FindStringSubmatch(name); m != nil && i.program.engine == memory.TGI {
		return strings.TrimSuffix(m[1]+"."+m[2]+"."+m[3], ".")
	}
	if cloudTag.MatchString(tag) {
		return tag
	}
	return ""
}

// cloudTag is a tag of AWS's containers, which begins with the engine's release: 0.11.2-gpu-py312-cu129-ubuntu22.04-ec2.
var cloudTag = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+-(?:gpu|cpu)-py`)

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
	if r.Launch.Engine.LoadsOnly() {
		return // no release differs in what it takes
	}
	_, tag := splitImage(name)
	if known && r.Launch.Engine == memory.VLLM || known && r.Launch.Engine == memory.TGI {
		if release := found.releaseIn(name, tag); release != "" {
			if version, err := memory.ParseVersion(release); err == nil {
				r.Launch.Version = version
				r.Explicit[FieldVersion] = "image " + name
				return
			}
		}
	}
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
