// Package ui is ashlar ui: a page on this machine that shows the GPUs of a cluster as they are, and
// answers what if. Nothing of the cluster is changed.
//
//	API server ──> objectStore ──> clusterObjects ──> clusterDrawer ──> mapFeed ──> pages
//	snapshot file ───────────────────────────────────────┘              versions    server-sent events
//	form ──> manifest ──> ashlar whatif, in a process of its own ──> answer
//
// A thousand nodes with eight GPUs and all their MIG placements are half a gigabyte as objects.
// ResourceSlices are therefore packed as they come, and unpacked node by node when a node is drawn,
// which happens when something of it changes. Pages are told the nodes that changed.
//
// Where to look:
//
//	command.go             flags, listening, the end
//	server.go, guard.go    what is served, and to whom not
//	feed.go, events.go     the picture in versions, and how pages are told
//	watch.go, store.go     what is read of an API server, and what of it is kept
//	packed.go, objects.go  slices in little room; objects by the node that they concern
//	snapshot.go            a file that may be written anew
//	draw.go                what changed is drawn anew, by plugins/clustermap
//	form.go, asker.go      what if: from the form to the answer
//	page.*                 the page, with what internal/page shares with the simulator's report
package ui
