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
	// loose says that only a folder or the tag of the image speaks of the server: without
	// arguments that fit, it may be anything.
	loose bool
}

// serverImages are known images by the last part of their name, whatever the registry:
// companies mirror them.
var serverImages = map[string]serverImage{
	"vllm-openai":               {vllmImage, true, true, false},
	"vllm":                      {vllmServe, false, false, false},
	"llm-d":                     {vllmServe, false, false, false},
	"llm-d-cuda":                {vllmServe, false, false, false},
	"llm-d-dev":                 {vllmServe, false, false, false},
	"sglang":                    {sglangServer, false, true, false},
	"text-generation-inference": {tgiLauncher, true, true, false},
	"huggingfaceserver":         {huggingfaceServer, true, false, false},
	"tritonserver":              {tritonServer, false, false, false},
	"tensorrt-llm":              {trtllmServe, false, true, false},
	"tensorrt-llm/release":      {trtllmServe, false, true, false},
	"text-embeddings-inference": {unaccountedServer("text-embeddings-inference"), true, false, false},
	"ollama":                    {unaccountedServer("ollama"), true, false, false},
	"llama.cpp":                 {unaccountedServer("llama.cpp"), true, false, false},
	"lmdeploy":                  {unaccountedServer("lmdeploy"), false, false, false},
	"infinity":                  {unaccountedServer("infinity"), true, false, false},
	"aphrodite-openai":          {unaccountedServer("aphrodite"), true, false, false},
	"torchserve":                {unaccountedServer("torchserve"), true, false, false},
	"localai":                   {unaccountedServer("localai"), true, false, false},
	"xinference":                {unaccountedServer("xinference"), false, false, false},
}

// findImage looks an image up.
func findImage(name string) (serverImage, bool) {
	repository, tag := splitImage(name)
	if isNIM(repository) {
		return serverImage{program: nimServer, entrypoint: true}, true
	}
	last := path.Base(repository)
	if found, known := serverImages[path.Base(path.Dir(repository))+"/"+last]; known {
		return found, true
	}
	if found, known := serverImages[strings.TrimSuffix(last, "-gpu")]; known {
		return found, true
	}
	if found, known := findImageWord(last); known {
		return found, true
	}
	return findLooseWord(last, path.Dir(repository), tag)
}

// findLooseWord looks for a server among the folders of an image and in its tag.
func findLooseWord(last, folders, tag string) (serverImage, bool) {
	if standsBeside(last) {
		return serverImage{}, false
	}
	for _, part := range append(strings.Split(folders, "/"), tag) {
		if strings.ContainsAny(part, ":") {
			continue // a registry's address
		}
		if found, known := findImageWord(part); known {
			found.loose, found.entrypoint, found.versioned = true, false, false
			return found, true
		}
	}
	return serverImage{}, false
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
	{"tensorrtllm", serverImage{program: trtllmServe}},
	{"trt-llm", serverImage{program: trtllmServe}},
	{"trtllm", serverImage{program: trtllmServe}},
	{"tritonserver", serverImage{program: tritonServer}},
	{"djl-inference", serverImage{program: djlServer}},
	{"djl-serving", serverImage{program: djlServer}},
	{"lmi", serverImage{program: djlServer}},
	{"sglang", serverImage{program: sglangServer}},
	{"vllm", serverImage{program: vllmServe}},
}

// otherWords are in the names of images that stand beside servers.
var otherWords = []string{"router", "gateway", "proxy", "exporter", "operator", "controller", "benchmark", "bench", "client", "loadtest"}

// findImageWord looks for a server among the words of an image's name.
func findImageWord(name string) (serverImage, bool) {
	if standsBeside(name) {
		return serverImage{}, false
	}
	for _, one := range imageWords {
		if hasWord(name, one.word) {
			return one.image, true
		}
	}
	return serverImage{}, false
}

// standsBeside reports whether a name is one of images that stand beside servers.
func standsBeside(name string) bool {
	return slices.ContainsFunc(otherWords, func(other string) bool { return hasWord(name, other) })
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
