// Package report says what the figures of a run of the simulator are called and how they
// are printed (TableMetrics), and what they come to in sentences (VerdictSentences) and waits by what was
// asked for (RequestWaits), for the terminal and the page alike. It writes one HTML page: the
// verdict, a map of the cluster that can be scrubbed over time, a summary of each variant with
// what is significant, curves over time, and how long jobs waited.
//
//	[]Run ──> policies (runs of one name) ──> sentences   for both
//	                                     ├──> tables      drawn here, read without script
//	                                     ├──> charts      drawn by page.js as SVG
//	                                     └──> maps        drawn by page.js on a canvas
//
// The page is one file that loads nothing: its Content-Security-Policy allows the script
// and style that it comes with, by their hashes, and no more. All that is from outside
// (names of nodes, jobs, policies) goes through html/template, or as JSON into
// textContent. The same PageHeading and runs give the same bytes.
//
// Where to look:
//
//	metric*.go            the figures of a run, for tables in text, CSV and the page
//	summary.go            the page's rows of them; classes.go: by class and priority
//	chart.go, cluster.go  curves and the map, page.* how they are drawn
//	verdict.go            who is better for the person who pays
//	difference.go,        differences seed by seed with their intervals;
//	significance.go       the page's table of them
//	requests.go           waits by what was asked for
//	text.go               numbers and names as the page shows them
package report
