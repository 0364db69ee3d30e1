package main

import "runtime/debug"

// moduleVersion is that of the module, as the Go toolchain recorded it, with the commit.
func moduleVersion() string {
	info, known := debug.ReadBuildInfo()
	if !known {
		return "unknown"
	}
	version := info.Main.Version
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			version += ", commit " + setting.Value
		}
	}
	return version
}
