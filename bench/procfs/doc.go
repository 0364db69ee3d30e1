// Package procfs reads what a process has used of CPU time and memory.
package procfs
