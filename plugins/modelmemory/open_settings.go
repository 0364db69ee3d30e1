package modelmemory

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// openSettings are the settings that the pod leaves open although the server's memory depends on
// them. The release is none: it is judged by all that come into question. KServe's server takes
// vLLM wherever that has the model's architecture, as it has those of all models in the catalogue.
func openSettings(reading launch.Reading) []launch.Unknown {
	_, err := model.Known(reading.Model)
	known := err == nil
	return slices.DeleteFunc(slices.Clone(reading.Unknown), func(u launch.Unknown) bool {
		return u.Field == launch.FieldVersion || u.Field == launch.FieldEngine && u.Because == launch.AutoBackend && known
	})
}
