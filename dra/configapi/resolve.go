package configapi

import (
	"fmt"
	"slices"
	"strings"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/dra"
)

// inOrder are the sources of entries, those first that later ones override.
var inOrder = []resourceapi.AllocationConfigSource{resourceapi.AllocationConfigSourceClass, resourceapi.AllocationConfigSourceClaim}

// ResolveConfig finds the config that counts for a device, as DRA defines it: of the entries
// for the driver that apply to the device's request, the last, those of the class being
// before those of the claim. An entry for another form of device does not count. configs are
// those of the claim's allocation; request is that of the device's result, "name" or
// "name/subrequest".
//
// It fails if an entry that applies cannot be decoded, and if entries of the claim name the
// request but all of them are for devices of another form.
func ResolveConfig(configs []resourceapi.DeviceAllocationConfiguration, driver, request string, form dra.DeviceForm) (Config, error) {
	config := DefaultConfig(form)
	var fits bool
	var misfit error
	for _, source := range inOrder {
		for i, entry := range configs {
			if entry.Source != source || entry.Opaque == nil || entry.Opaque.Driver != driver || !appliesTo(entry.Requests, request) {
				continue
			}
			where := fmt.Sprintf("status.allocation.devices.config[%d] (%s%s)", i, sourceName(source), requestList(entry.Requests))
			decoded, err := Decode(entry.Opaque.Parameters.Raw)
			switch {
			case err != nil:
				return Config{}, fmt.Errorf("%s: opaque.parameters: %w", where, oneLine(err))
			case decoded.Form == form:
				config = decoded
				fits = fits || source == resourceapi.AllocationConfigSourceClaim
			case source == resourceapi.AllocationConfigSourceClaim && slices.Contains(entry.Requests, request):
				misfit = fmt.Errorf("%s: it is for %s, but request %s was allocated %s: use %s",
					where, formName[decoded.Form], request, formName[form], kindOf[form])
			}
		}
	}
	if misfit != nil && !fits {
		return Config{}, misfit
	}
	return config, nil
}

// appliesTo reports whether an entry for these requests is for the one of that name. A main
// request stands for all of its subrequests.
func appliesTo(requests []string, request string) bool {
	main, _, _ := strings.Cut(request, "/")
	return len(requests) == 0 || slices.Contains(requests, request) || slices.Contains(requests, main)
}

var (
	formName = map[dra.DeviceForm]string{dra.FormGPU: "a whole GPU", dra.FormMIG: "a MIG instance", dra.FormShare: "a share of a GPU"}
	kindOf   = map[dra.DeviceForm]string{dra.FormGPU: "GpuConfig", dra.FormMIG: "MigConfig", dra.FormShare: "ShareConfig"}
)

func sourceName(source resourceapi.AllocationConfigSource) string {
	if source == resourceapi.AllocationConfigSourceClass {
		return "from the device class"
	}
	return "from the claim"
}

func requestList(requests []string) string {
	if len(requests) == 0 {
		return ""
	}
	return ", for " + strings.Join(requests, ", ")
}

// joinedError is what errors.Join gives, in one line, as events and the kubelet print it.
type joinedError struct{ error }

func oneLine(err error) error { return joinedError{err} }

func (e joinedError) Error() string { return strings.ReplaceAll(e.error.Error(), "\n", "; ") }

// Unwrap is the error of several lines.
func (e joinedError) Unwrap() error { return e.error }
