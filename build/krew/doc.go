// Package krew writes the manifest by which `kubectl krew install ashlar` installs the
// command line as a plugin of kubectl, and checks it as krew's index does.
//
//	manifest.go  NewPlugin: the manifest for the archives of a release
//	check.go     CheckPlugin
package krew
