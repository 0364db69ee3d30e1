// Package browser opens the simulator's report in a real Chromium (package chromium)
// and uses it with mouse and keyboard. Without Chromium its tests are skipped; CI
// installs it.
package browser
