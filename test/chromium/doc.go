// Package chromium has tests open pages in a real Chromium, without a window, and use them with
// mouse and keyboard. A test is skipped where there is none; CI installs it.
//
//	browser.go  the process, and the DevTools protocol through a pair of pipes
//	tab.go      an open page: scripts, keys, clicks, pictures, and what it complains of
package chromium
