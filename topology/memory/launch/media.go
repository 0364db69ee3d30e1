package launch

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// maxMedia is the most items of a kind that a limit may state; vLLM's own default is 999.
const maxMedia = 1 << 20

// mediaCounts are where a launch has the limits that vLLM knows by these names.
func mediaCounts(m *memory.MediaLimits) map[string]*memory.MediaCount {
	return map[string]*memory.MediaCount{"image": &m.Pictures, "video": &m.Videos, "audio": &m.Sounds}
}

// readVLLMLimits reads how many items of each kind a request may hold: JSON, of which each value is a number or an object with
// a count, or image=2,video=1 as older releases have it.
func readVLLMLimits(a *flagReader, g givenFlag) error {
	object, err := g.limitObject()
	if err != nil {
		return err
	}
	counts := mediaCounts(&a.reading.Launch.Media)
	used := len(object) == 0
	for name, limit := range object {
		if options, isObject := limit.(map[string]any); isObject {
			limit = options["count"]
			if limit == nil {
				used = true
				continue
			}
		}
		n, err := g.parseMember(name, limit, 0, maxMedia)
		if err != nil {
			return err
		}
		used = used || n > 0
		if into := counts[name]; into != nil {
			*into = memory.MediaCount(n)
			if n == 0 {
				*into = memory.NoMedia
			}
		}
	}
	if !used {
		a.reading.markUnknown(FieldLanguageOnly,
			g.whereGiven()+": some models then leave their towers out and others do not, --language-model-only settles it")
	}
	return nil
}

// limitObject is the flag's value by kind.
func (g givenFlag) limitObject() (map[string]any, error) {
	if g.object != nil || !strings.Contains(g.text, "=") || strings.HasPrefix(strings.TrimSpace(g.text), "{") {
		return g.jsonObject()
	}
	object := map[string]any{}
	for pair := range strings.SplitSeq(g.text, ",") {
		name, limit, found := strings.Cut(strings.TrimSpace(pair), "=")
		if !found {
			return nil, g.refuseValue("want JSON such as {\"image\": 2}, or image=2,video=1")
		}
		object[name] = limit
	}
	return object, nil
}

// readMediaProcessor reads how large a preprocessor lets pictures be. Sources: max_pixels and size of Qwen2VLImageProcessor,
// max_dynamic_patch of InternVLProcessor, num_crops of Phi's in Transformers and vllm/model_executor/models.
func readMediaProcessor(a *flagReader, g givenFlag) error {
	object, err := g.jsonObject()
	if err != nil {
		return err
	}
	limits := &a.reading.Launch.Media
	for _, place := range []any{object, object["images_kwargs"], object["size"]} {
		inner, _ := place.(map[string]any)
		for _, member := range []struct {
			name string
			into *int64
		}{
			{"max_pixels", &limits.MaxPixels}, {"longest_edge", &limits.MaxPixels},
			{"max_dynamic_patch", &limits.MaxTiles}, {"num_crops", &limits.MaxTiles},
		} {
			value, found := inner[member.name]
			if !found || value == nil {
				continue
			}
			if missing, unknown := a.unknowns.firstIn(scalarText(value)); unknown {
				a.reading.markUnknown(FieldMedia, fmt.Sprintf("%s: %s", g.whereGiven(), missing.because))
				continue
			}
			if *member.into, err = g.parseMember(member.name, value, 1, maxTokens); err != nil {
				return err
			}
		}
	}
	return nil
}

// readUnprofiled reads that the engine starts without trying its towers.
func readUnprofiled(a *flagReader, g givenFlag) error {
	if g.text != "" && !isBoolText(g.text) {
		return g.refuseValue("want true or false")
	}
	a.reading.Launch.Media.Unprofiled = isTrueText(g.text) != g.negated
	return nil
}

// readPrefixCaching reads whether what requests begin alike with is kept.
func readPrefixCaching(a *flagReader, g givenFlag) error {
	if g.text != "" && !isBoolText(g.text) {
		return g.refuseValue("want true or false")
	}
	a.reading.Launch.NoPrefixCaching = isTrueText(g.text) == g.negated
	return nil
}
