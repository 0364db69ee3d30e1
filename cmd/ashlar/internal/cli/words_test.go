package cli

import "testing"

func TestNumberRanges(t *testing.T) {
	tests := map[string][]int{"-": nil, "0": {0}, "0,1": {0, 1}, "0-2": {0, 1, 2}, "0-3,6,7,9": {0, 1, 2, 3, 6, 7, 9}}
	for want, numbers := range tests {
		if got := NumberRanges(numbers); got != want {
			t.Errorf("NumberRanges(%v) = %q, want %q", numbers, got, want)
		}
	}
}
