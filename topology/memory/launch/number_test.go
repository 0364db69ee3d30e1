package launch_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// The examples of vLLM's human_readable_int, and its edges.
func TestNumber(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "8192": 8192, "+7": 7, "-1": -1, " 12 ": 12, "1_000": 1000, "007": 7,
		"1k": 1000, "1K": 1024, "25.6k": 25_600, "32k": 32_000, "32K": 32_768, "1.5k": 1500,
		"1m": 1_000_000, "1M": 1 << 20, "2g": 2_000_000_000, "2G": 2 << 30, "1t": 1e12, "1T": 1 << 40,
		"0.5m": 500_000, "9223372036854775807": 9223372036854775807,
	} {
		got, err := launch.ParseNumber(text)
		if err != nil {
			t.Fatalf("%v: %v", text, err)
		}
		if got != want {
			t.Fatalf("%v: got = %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"": "is not a whole number", " ": "is not a whole number", "k": "is not a whole number", "-1k": "is not a whole number",
		"1.5": "is not a whole number",
		"1e3": "is not a whole number", "0x10": "is not a whole number", "1__0": "is not a whole number", "_1": "is not a whole number",
		"1 k": "is not a whole number",
		"--1": "is not a whole number", "١": "is not a whole number", ".5k": "is not a whole number", "5.k": "is not a whole number",
		"nan":   "is not a whole number",
		"25.6K": "write 25.6k", "1.0M": "write 1.0m", "9223372036854775808": "more than can be counted",
		"9999999999T":                    "more than can be counted",
		"99999999999999999999999999999t": "more than can be counted",
	} {
		_, err := launch.ParseNumber(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v: error %v, want %q", text, err, want)
		}
	}
}
