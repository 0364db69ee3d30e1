package publish

import "testing"

func TestSemanticVersion(t *testing.T) {
	for given, want := range map[string]string{
		"580.95.05": "580.95.5", "535.54": "535.54.0", "9.0": "9.0.0", "13.0": "13.0.0", "1.2.3.4": "1.2.3",
		"": "", "N/A": "", "550.x": "",
	} {
		got, ok := semanticVersion(given)
		if got != want || ok != (want != "") {
			t.Errorf("semanticVersion(%q) = %q, %v; want %q", given, got, ok, want)
		}
	}
}
