package hardware

import (
	"testing"
	"testing/fstest"
)

func TestCapabilityMinors(t *testing.T) {
	read := func(text string) (capabilityMinors, error) {
		return readCapabilityMinors(fstest.MapFS{minorsFile: {Data: []byte(text)}})
	}
	minors, err := read("config 1\nmonitor 2\n\ngpu1/gi7/access 201\ngpu1/gi7/ci0/access 202\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		gpu               int
		instance, compute uint32
		minor, computeTo  int64
	}{
		"known":            {1, 7, 0, 201, 202},
		"no such compute":  {1, 7, 1, 201, 0},
		"no such instance": {1, 8, 0, 0, 0},
		"no such GPU":      {0, 7, 0, 0, 0},
	} {
		if minor, compute := minors.of(tc.gpu, tc.instance, tc.compute); minor != tc.minor || compute != tc.computeTo {
			t.Errorf("%s: %d and %d, want %d and %d", name, minor, compute, tc.minor, tc.computeTo)
		}
	}
	for text, want := range map[string]string{
		"config 1\ngpu0/gi0/access\n":  `line 2: "gpu0/gi0/access" is not a path and a number`,
		"config one\n":                 `line 1: "one" is not a minor number`,
		"config -1\n":                  `line 1: "-1" is not a minor number`,
		"config 1048576\n":             `line 1: "1048576" is not a minor number`,
		"config 1\nconfig 2\n":         `line 2: "config" occurs twice`,
		"gpu0/gi0/access 3 and more\n": `line 1: "gpu0/gi0/access 3 and more" is not a path and a number`,
	} {
		want = "reading the minor numbers of MIG's capability files: " + minorsFile + ": " + want
		if _, err := read(text); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
	for name, proc := range map[string]fstest.MapFS{"no file": {}, "no /proc": nil} {
		if minors, err := readCapabilityMinors(proc); err != nil || len(minors) != 0 {
			t.Errorf("%s: %v, %v", name, minors, err)
		}
	}
}

func FuzzCapabilityMinors(f *testing.F) {
	f.Add("config 1\nmonitor 2\ngpu0/gi0/access 3\n")
	f.Add("a 1\r\nb 99999999999999999999\n\x00 4")
	f.Fuzz(func(t *testing.T, text string) {
		minors, err := parseCapabilityMinors(text)
		for path, minor := range minors {
			if err != nil || minor < 0 || minor > maxMinor {
				t.Errorf("%q is %d, %v", path, minor, err)
			}
		}
	})
}
