package procfs

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want time.Duration
		fail bool
	}{
		"a name like the fields": {text: "7 (a) b (1 2) S 1 7 7 0 -1 4194560 10 0 0 0 250 50 9 9 20 0 5 0 100 1 1", want: 3 * time.Second},
		"cut off":                {text: "7 (a) S 1 7 7 0 -1 4194560 10 0 0 0 250", fail: true},
		"no name":                {text: "7 a S", fail: true},
		"not a number":           {text: "7 (a) S 1 7 7 0 -1 4194560 10 0 0 0 x 50 9 9", fail: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseStat(tc.text)
			if got != tc.want || (err != nil) != tc.fail {
				t.Errorf("got %s, %v, want %s", got, err, tc.want)
			}
		})
	}
}

func TestParseMemory(t *testing.T) {
	status := "VmPeak:\t  99999 kB\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\nRssAnon:\t    8 kB\n"
	for name, want := range map[string]int64{"VmHWM": 20 << 20, "RssAnon": 8 << 10} {
		if got, err := parseMemory(status, name); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", name, got, err, want)
		}
	}
	if _, err := parseMemory(status, "RssFile"); err == nil {
		t.Error("a line that is not there is read")
	}
}

// This process has used some of both.
func TestOwnUsage(t *testing.T) {
	for start := time.Now(); time.Since(start) < 30*time.Millisecond; { //nolint:revive // uses CPU time
	}
	own, err := OwnCPUTime()
	if err != nil {
		t.Fatal(err)
	}
	counted, err := CPUTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if own <= 0 || counted <= 0 || counted > own+time.Second {
		t.Errorf("%s by getrusage, %s by /proc", own, counted)
	}
	if peak, err := OwnPeakMiB(); err != nil || peak <= 0 {
		t.Errorf("%d MiB, %v", peak, err)
	}
}
