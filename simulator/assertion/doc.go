// Package assertion checks what a scenario says that its runs are to show:
//
//	scenario.Assertion ──Check────────> does it name a metric, and runs, that there are?
//	assertions, runs   ──FindFailures─> those that do not hold, with figures
//
// Metrics are those of report.TableMetrics.
package assertion
