package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNumberRanges(t *testing.T) {
	tests := map[string][]int{"-": nil, "0": {0}, "0,1": {0, 1}, "0-2": {0, 1, 2}, "0-3,6,7,9": {0, 1, 2, 3, 6, 7, 9}}
	for want, numbers := range tests {
		if got := NumberRanges(numbers); got != want {
			t.Errorf("NumberRanges(%v) = %q, want %q", numbers, got, want)
		}
	}
}

func TestWrapText(t *testing.T) {
	for name, tc := range map[string]struct{ got, want []string }{
		"text":         {WrapText("one  two\nthree four", 9), []string{"one two", "three", "four"}},
		"long word":    {WrapText("a verylongword b", 5), []string{"a", "verylongword", "b"}},
		"nothing":      {WrapText(" ", 5), nil},
		"list":         {WrapList([]string{"4 x A", "2 x B", "c"}, 12), []string{"4 x A,", "2 x B, c"}},
		"list, fits":   {WrapList([]string{"4 x A", "2 x B"}, 12), []string{"4 x A, 2 x B"}},
		"list of one":  {WrapList([]string{"a b c"}, 2), []string{"a b c"}},
		"list of none": {WrapList(nil, 2), nil},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
