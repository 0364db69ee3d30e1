package krew

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"sigs.k8s.io/krew/pkg/constants"
	"sigs.k8s.io/krew/pkg/index"
)

var (
	pluginName      = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	semanticVersion = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$`)
	sha256Hex       = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// CheckPlugin says all for which krew would refuse a manifest.
func CheckPlugin(plugin index.Plugin) error {
	var faults []error
	refuse := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if plugin.APIVersion != constants.CurrentAPIVersion || plugin.Kind != constants.PluginKind {
		refuse("%s %s: want %s %s", plugin.APIVersion, plugin.Kind, constants.CurrentAPIVersion, constants.PluginKind)
	}
	if !pluginName.MatchString(plugin.Name) {
		refuse("metadata.name %q: want lower case letters, digits and dashes", plugin.Name)
	}
	if !semanticVersion.MatchString(plugin.Spec.Version) {
		refuse("spec.version %q: want one such as v0.3.0", plugin.Spec.Version)
	}
	if short := plugin.Spec.ShortDescription; short == "" || len(short) > 50 {
		refuse("spec.shortDescription has %d characters: want 1 to 50", len(short))
	}
	if len(plugin.Spec.Platforms) == 0 {
		refuse("spec.platforms is empty")
	}
	seen := map[string]bool{}
	for i, platform := range plugin.Spec.Platforms {
		at := fmt.Sprintf("spec.platforms[%d]", i)
		if address, err := url.Parse(platform.URI); err != nil || address.Scheme != "https" {
			refuse("%s.uri %q: want an address with https", at, platform.URI)
		}
		if !sha256Hex.MatchString(platform.Sha256) {
			refuse("%s.sha256 %q: want 64 hexadecimal digits", at, platform.Sha256)
		}
		if !producesFile(platform) {
			refuse("%s.bin %q is none of its files", at, platform.Bin)
		}
		if platform.Selector == nil || platform.Selector.MatchLabels["os"] == "" || platform.Selector.MatchLabels["arch"] == "" {
			refuse("%s.selector names no os and arch", at)
			continue
		}
		key := platform.Selector.MatchLabels["os"] + "/" + platform.Selector.MatchLabels["arch"]
		if seen[key] {
			refuse("%s: %s is there twice", at, key)
		}
		seen[key] = true
	}
	return errors.Join(faults...)
}

// producesFile is whether the program is one of the files that are taken from the archive.
func producesFile(platform index.Platform) bool {
	for _, file := range platform.Files {
		if file.To == platform.Bin {
			return platform.Bin != ""
		}
	}
	return false
}
