package topology

import "testing"

func TestRoundShare(t *testing.T) {
	for name, tc := range map[string]struct{ needed, want Bytes }{
		"whole MiB stay":       {1098 * MiB, 1098 * MiB},
		"a byte more":          {1098*MiB + 1, 1099 * MiB},
		"a byte less":          {1098*MiB - 1, 1098 * MiB},
		"GiB are no boundary":  {GiB + 1, 1025 * MiB},
		"nothing is the least": {0, MiB},
		"less than nothing":    {-5, MiB},
	} {
		t.Run(name, func(t *testing.T) {
			if got := RoundShare(tc.needed); got != tc.want {
				t.Errorf("RoundShare(%d) = %d, want %d", tc.needed, got, tc.want)
			}
		})
	}
}
