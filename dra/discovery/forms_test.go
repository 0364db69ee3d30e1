package discovery

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/dra"
)

func TestSelectForms(t *testing.T) {
	all := []dra.Device{{Form: dra.FormGPU}, {Form: dra.FormShare}, {Form: dra.FormMIG}}
	for name, tc := range map[string]struct {
		names []string
		want  []dra.DeviceForm
	}{
		"whole GPUs only": {[]string{"whole"}, []dra.DeviceForm{dra.FormGPU}},
		"a node's order":  {[]string{"mig", "share"}, []dra.DeviceForm{dra.FormShare, dra.FormMIG}},
		"everything":      {[]string{"whole", "mig", "share"}, []dra.DeviceForm{dra.FormGPU, dra.FormShare, dra.FormMIG}},
	} {
		t.Run(name, func(t *testing.T) {
			forms, err := ParseForms(tc.names)
			if err != nil {
				t.Fatal(err)
			}
			var got []dra.DeviceForm
			for _, device := range SelectForms(all, forms) {
				got = append(got, device.Form)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("forms (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseFormsRefuses(t *testing.T) {
	for want, names := range map[string][]string{
		"no form":                   nil,
		`unknown form "gpu"`:        {"whole", "gpu"},
		`unknown form ""`:           {""},
		`form "whole" stands twice`: {"whole", "mig", "whole"},
	} {
		if _, err := ParseForms(names); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseForms(%q): got %v, want %q in it", names, err, want)
		}
	}
}
