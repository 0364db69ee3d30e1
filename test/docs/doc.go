// Package docs holds README.md and the pages of docs/ to what the programs do.
//
//	page_test.go       the pages, and the fenced blocks of one
//	block_test.go      what a block is: a script, a transcript, a file, or only shown
//	run_test.go        commands run in a scratch directory, and what they printed compared
//	commands_test.go   every command of every page, here and on the cluster of the demo
//	generated_test.go  parts of pages that are written from what the programs say: -update writes them
//	reference_test.go  the parts of docs/reference.md; reference_slices_test.go those about devices
//	pending_test.go    docs/pending.md against the messages of the code, both ways
//	messages_test.go   the messages that the code can print, read from its source
//
// A block is run unless it says otherwise, so that nobody forgets. Behind its three backticks
// stand a language and attributes:
//
//	sh                     a script; it must succeed
//	console                a transcript: commands behind "$ ", what they print below. A line "..."
//	                       stands for any lines, "..." in a line for any text. A command below which
//	                       nothing stands may print what it likes
//	yaml, json             must parse; with file=NAME it is written for the commands below it
//	text, go, promql, cel  only shown
//
//	exit=3                 the last command ends with this exit code instead of 0
//	cluster                needs a cluster: run on that of the demo, not by go test -short
//	no-run="reason"        only shown, for this reason
//
// The blocks of a page share a directory, in their order. The repository's files are in it under
// their names, ashlar and kubectl are found, and nothing is left behind.
package docs
