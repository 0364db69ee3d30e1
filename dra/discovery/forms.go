package discovery

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/dra"
)

// formNames are the words by which a driver is told which forms to publish.
var formNames = map[string]dra.DeviceForm{"whole": dra.FormGPU, "mig": dra.FormMIG, "share": dra.FormShare}

// ParseForms reads names of forms: whole, mig and share. The error names the first that is
// none of them or stands twice, or says that there is none.
func ParseForms(names []string) ([]dra.DeviceForm, error) {
	if len(names) == 0 {
		return nil, errors.New("no form: want one or more of whole, mig and share, separated by commas")
	}
	var forms []dra.DeviceForm
	for _, name := range names {
		form, known := formNames[name]
		if !known {
			return nil, fmt.Errorf("unknown form %q: want one or more of whole, mig and share, separated by commas", name)
		}
		if slices.Contains(forms, form) {
			return nil, fmt.Errorf("form %q stands twice: name each once", name)
		}
		forms = append(forms, form)
	}
	return forms, nil
}

// SelectForms are the devices of the given forms, in their order; all devices if forms is
// empty.
func SelectForms(devices []dra.Device, forms []dra.DeviceForm) []dra.Device {
	if len(forms) == 0 {
		return devices
	}
	var selected []dra.Device
	for _, device := range devices {
		if slices.Contains(forms, device.Form) {
			selected = append(selected, device)
		}
	}
	return selected
}
