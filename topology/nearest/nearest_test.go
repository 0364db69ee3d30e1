package nearest

import "testing"

func TestEditDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"a30", "a30", 0}, {"flaw", "lawn", 2}}
	for _, tc := range tests {
		if got := editDistance(tc.a, tc.b); got != tc.want {
			t.Errorf("%q to %q: got %d, want %d", tc.a, tc.b, got, tc.want)
		}
		if got := editDistance(tc.b, tc.a); got != tc.want {
			t.Errorf("%q to %q: got %d, want %d", tc.b, tc.a, got, tc.want)
		}
	}
}

func TestNames(t *testing.T) {
	names := []string{"gpus", "mig", "share", "model", "cpuOnly", "memory"}
	for given, want := range map[string]string{"gpu": "gpus", "GPUs": "gpus", "memroy": "memory", "shar": "share", "xylophone": "", "": ""} {
		got := ""
		if near := Names(given, names); len(near) > 0 {
			got = near[0]
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}
