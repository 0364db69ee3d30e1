package topology

import "testing"

func TestBytesString(t *testing.T) {
	for bytes, want := range map[Bytes]string{
		0: "0B", 512: "512B", KiB: "1KiB", 2000 * MiB: "1.95GiB", 46068 * MiB: "44.99GiB", 80 * GiB: "80GiB", 80 * GB: "74.51GiB", -GiB: "-1GiB",
	} {
		if got := bytes.String(); got != want {
			t.Errorf("%d prints as %s, want %s", int64(bytes), got, want)
		}
	}
}

func TestBytesExactText(t *testing.T) {
	for bytes, want := range map[Bytes]string{
		0: "0B", 512: "512B", KiB: "1KiB", 2000 * MiB: "2000MiB", 1098 * MiB: "1098MiB", 20 * GiB: "20GiB", GiB + 1: "1073741825B", -GiB: "-1GiB",
	} {
		if got := bytes.ExactText(); got != want {
			t.Errorf("%d prints as %s, want %s", int64(bytes), got, want)
		}
		if got, err := ParseBytes(bytes.ExactText()); bytes >= 0 && (err != nil || got != bytes) {
			t.Errorf("%s reads as %d, %v, want %d", bytes.ExactText(), got, err, bytes)
		}
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"40GiB": 40 * GiB, "40Gi": 40 * GiB, "80GB": 80 * GB, "2000MiB": 2000 * MiB, "1.5Gi": 1536 * MiB, "7": 7, "7B": 7, "8 GiB": 8 * GiB,
	} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("ParseBytes(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "GiB", "-1GiB", "many", "1e30GiB", "NaN", "1TiBx"} {
		if got, err := ParseBytes(text); err == nil {
			t.Errorf("ParseBytes(%q) = %d, want an error", text, got)
		}
	}
}

// What is printed can be read, and never comes out negative.
func FuzzParseBytes(f *testing.F) {
	f.Add("40GiB")
	f.Add("9223372036854775807")
	f.Fuzz(func(t *testing.T, text string) {
		bytes, err := ParseBytes(text)
		if err != nil {
			return
		}
		if bytes < 0 {
			t.Fatalf("ParseBytes(%q) = %d", text, bytes)
		}
		if _, err := ParseBytes(bytes.String()); err != nil {
			t.Fatalf("%q prints as %s, which cannot be read: %v", text, bytes, err)
		}
	})
}
