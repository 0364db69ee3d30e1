// Package readme writes measured tables into documents, so that no number is typed
// by hand.
package readme
