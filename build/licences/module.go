package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// licenceFile is what the files are called that hold a module's licence.
var licenceFile = regexp.MustCompile(`(?i)^(licen[sc]e|copying|unlicense)([.-].*)?$`)

// leastCover is how much of a licence file must be text of licences that are known, in
// percent: the rest is names and years.
const leastCover = 75

// moduleLicences returns the SPDX names of a module's licences, sorted.
func moduleLicences(path, folder string) ([]string, error) {
	if name, read := readByHand[path]; read {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("looking for its licence: %w", err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() || !licenceFile.MatchString(entry.Name()) || strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading its licence: %w", err)
		}
		found, err := textLicences(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		names = append(names, found...)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no licence file in %s", folder)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// textLicences returns the SPDX names of the licences in a text.
func textLicences(text []byte) ([]string, error) {
	cover := licensecheck.Scan(text)
	if cover.Percent < leastCover {
		return nil, fmt.Errorf("%.0f%% of it is the text of known licences, want %d%%: read it, and add it to readByHand if it is allowed",
			cover.Percent, leastCover)
	}
	var names []string
	for _, match := range cover.Match {
		if !match.IsURL {
			names = append(names, match.ID)
		}
	}
	return names, nil
}

// refusedLicence is the first that is not allowed, "" if all are.
func refusedLicence(names []string) string {
	for _, name := range names {
		if !allowed[name] {
			return name
		}
	}
	return ""
}
