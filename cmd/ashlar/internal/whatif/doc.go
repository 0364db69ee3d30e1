// Package whatif is ashlar whatif: flags, where the snapshot comes from, and the report of
// what would become of pods. plugins/dryrun finds the answer.
package whatif
