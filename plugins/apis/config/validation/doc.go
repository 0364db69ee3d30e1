// Package validation says everything that is wrong with the arguments of Ashlar's
// plugins.
package validation
