// Package nearest finds the names that somebody may have meant who wrote one that does
// not exist.
package nearest
