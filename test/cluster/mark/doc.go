// Package mark finds and ends the processes that belong together, by a mark in
// their environment.
//
// A child inherits its parent's environment, so a mark reaches every descendant,
// also one whose parent has died. Unlike a list of process ids it cannot be
// incomplete, and a process id that was given to a stranger in the meantime does
// not carry it. It reads /proc, so it works on Linux only.
package mark
