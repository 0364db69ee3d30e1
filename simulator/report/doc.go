// Package report says what the figures of a run of the simulator are called and how they
// are printed (TableMetrics), and writes what runs came to as one HTML page: a summary of
// each policy, curves over time, how long jobs waited, and a map of the cluster that can
// be scrubbed over time.
//
//	[]Run ──> policies (runs of one name) ──> tables      drawn here, read without script
//	                                     ├──> charts      drawn by page.js as SVG
//	                                     └──> maps        drawn by page.js on a canvas
//
// The page is one file that loads nothing: its Content-Security-Policy allows the script
// and style that it comes with, by their hashes, and no more. All that is from outside
// (names of nodes, jobs, policies) goes through html/template, or as JSON into
// textContent. The same runs give the same bytes.
//
// Where to look:
//
//	metric*.go            the figures of a run, for tables in text, CSV and the page
//	summary.go            the page's rows of them; classes.go: by class and priority
//	chart.go, cluster.go  curves and the map, page.* how they are drawn
//	text.go               numbers and names as the page shows them
package report
