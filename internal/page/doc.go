// Package page is what Ashlar's pages have in common: the simulator's report, which is one
// file, and the live map of ashlar ui. It is text only: style and script without a framework,
// which a page embeds or serves together with its own, and which load nothing.
//
//	base.css  colours, light and dark; text, tables, controls, the map's frame, the tooltip
//	base.js   elements from texts, numbers, spans of time, the tooltip
//	map.js    the map of GPUs on a canvas, by pointer and keyboard
//	page.go   put together with a page's own, and named in a Content-Security-Policy
package page
