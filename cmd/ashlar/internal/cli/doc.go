// Package cli is what the commands of ashlar have in common: how they print, fail, ask
// for files and say how far they are.
package cli
