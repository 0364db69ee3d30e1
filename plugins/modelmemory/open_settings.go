package modelmemory

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// openSettings are the settings that the pod leaves open although the server's memory depends on
// them. The release is none: it is judged by all that come into question. KServe's server takes
// vLLM wherever that has the model's architecture, as it has those of all models in the catalogue.
func openSettings(reading launch.Reading) []launch.Unknown {
	served, err := model.Known(reading.Model)
	known := err == nil
	return slices.DeleteFunc(slices.Clone(reading.Unknown), func(u launch.Unknown) bool {
		return u.Field == launch.FieldVersion || u.Field == launch.FieldEngine && u.Because == launch.AutoBackend && known ||
			u.Field == launch.FieldNoHybridKV && known && !DependsOnHybridCache(served)
	})
}

// UnknownDraft says that a server drafts with a model that is not in the catalogue; "" if it does not.
func UnknownDraft(l *memory.Launch) string {
	if l.Draft == "" || l.Draft == memory.OwnDraft {
		return ""
	}
	if _, err := model.Known(l.Draft); err == nil {
		return ""
	}
	return fmt.Sprintf("draft model %s is not in the catalogue, and its weights and cache come on top", l.Draft)
}

// DependsOnHybridCache reports whether it matters for the model's memory that the engine keeps the caches of
// layers of several kinds apart.
func DependsOnHybridCache(m *model.Model) bool {
	return m.HasAttention(model.SlidingAttention, model.ChunkedAttention)
}
