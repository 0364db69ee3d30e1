package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestModuleLicences(t *testing.T) {
	apache, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	const isc = "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, " +
		"provided that the above copyright notice and this permission notice appear in all copies.\n\n" +
		"THE SOFTWARE IS PROVIDED \"AS IS\" AND THE " +
		"AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO " +
		"EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM " +
		"LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION " +
		"WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
		fails string
	}{
		"one":         {files: map[string]string{"LICENSE": string(apache)}, want: "Apache-2.0"},
		"two":         {files: map[string]string{"LICENSE": string(apache), "LICENSE.isc": isc}, want: "Apache-2.0 ISC"},
		"British":     {files: map[string]string{"Licence.md": isc, "license.go": "package x"}, want: "ISC"},
		"none":        {files: map[string]string{"README.md": isc}, fails: "no licence file"},
		"made up":     {files: map[string]string{"LICENSE": "You may do what I like."}, fails: "0% of it is the text of known licences"},
		"a part only": {files: map[string]string{"LICENSE": isc + strings.Repeat("Not for use in a bank. ", 60)}, fails: "want 75%"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			for file, text := range tc.files {
				if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := moduleLicences("example.com/x", folder)
			if strings.Join(got, " ") != tc.want || (err != nil) != (tc.fails != "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Errorf("got %v, %v, want %q, error %q", got, err, tc.want, tc.fails)
			}
		})
	}
}

func TestRefusedLicence(t *testing.T) {
	for list, want := range map[string]string{
		"MIT": "", "MIT Apache-2.0": "", "MIT GPL-3.0": "GPL-3.0", "AGPL-3.0": "AGPL-3.0",
		"BUSL-1.1": "BUSL-1.1",
	} {
		if got := refusedLicence(strings.Fields(list)); got != want {
			t.Errorf("refusedLicence(%s) = %q, want %q", list, got, want)
		}
	}
}
