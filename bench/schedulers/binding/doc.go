// Package binding times how a scheduler binds pods: from the first that it binds to the last,
// so that neither its start nor the creation of the pods counts.
//
//	watch.go   sees pods being bound
//	wait.go    how long to wait for that
//	refusal.go  times how soon a pod that fits nowhere is told why
//	result.go  what was measured
package binding
