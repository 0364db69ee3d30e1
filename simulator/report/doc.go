// Package report writes what runs of the simulator came to as one HTML page: a summary
// of each policy, curves over time, how long jobs waited, and a map of the cluster that
// can be scrubbed over time.
//
//	[]Run ──> policies (runs of one name) ──> tables      drawn here, read without script
//	                                     ├──> charts      drawn by page.js as SVG
//	                                     └──> maps        drawn by page.js on a canvas
//
// The page is one file that loads nothing: its Content-Security-Policy allows the script
// and style that it comes with, by their hashes, and no more. All that is from outside
// (names of nodes, jobs, policies) goes through html/template, or as JSON into
// textContent. The same runs give the same bytes.
package report
