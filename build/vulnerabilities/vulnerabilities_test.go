package main

import (
	"strings"
	"testing"
)

func TestCheckFindings(t *testing.T) {
	const config = `{"config":{"db":"file:///x"}}`
	osv := func(id string) string { return `{"osv":{"id":"` + id + `","summary":"It breaks"}}` }
	finding := func(id, fixed, function string) string {
		return `{"finding":{"osv":"` + id + `","fixed_version":"` + fixed +
			`","trace":[{"module":"example.com/m","version":"v1.0.0","function":"` + function + `"}]}}`
	}
	for name, tc := range map[string]struct {
		input       string
		want, fails string
	}{
		"nothing":         {config, "no vulnerability that is not accepted", ""},
		"no scan":         {"", "", "govulncheck said nothing"},
		"cut off":         {config + `{"osv":`, "", "reading govulncheck's JSON"},
		"only the module": {config + osv("GO-1") + finding("GO-1", "v1.0.1", ""), "no vulnerability", ""},
		"its code": {config + osv("GO-1") + finding("GO-1", "v1.0.1", "Do"), "GO-1  example.com/m@v1.0.0  fixed in v1.0.1  It breaks",
			"1 vulnerabilities are in the program"},
		"no fix":   {config + osv("GO-1") + finding("GO-1", "", "Do"), "no fixed version", "1 vulnerabilities"},
		"accepted": {config + osv("GO-2025-3521") + finding("GO-2025-3521", "", "Do"), "accepted: of the kubelet", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			err := checkFindings(strings.NewReader(tc.input), &out)
			if !strings.Contains(out.String(), tc.want) || (err != nil) != (tc.fails != "") ||
				err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Errorf("printed %q, %v, want %q, error %q", out.String(), err, tc.want, tc.fails)
			}
		})
	}
}
