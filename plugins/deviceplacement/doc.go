// Package deviceplacement is the scheduler plugin that decides which devices a
// pod's ResourceClaims, or its plain extended resources, get.
//
// The in-tree DynamicResources plugin allocates devices by first fit in the order
// in which they are published, and knows nothing of links or MIG geometry. This
// plugin embeds it unchanged and steers it:
//
//	PreFilter   the in-tree PreFilter sees one small placeholder slice per node-local
//	            pool instead of every ResourceSlice of the cluster
//	Filter      devices and claims become a placement.Inventory, State and Request;
//	            placement.Place chooses; the placeholder is filled with just those
//	            devices, and the in-tree Filter has the last word on whether they fit
//	PreScore    the in-tree Reserve, called on a second instance that records instead
//	            of storing, tells which devices each node would really give
//	Score       nodes are ranked by what placement.Rate says of those devices
//	PostFilter  why nothing fits, and the smallest change after which it would
//	Reserve, PreBind, ...  are the in-tree plugin's own
//
// Whatever is not understood, such as devices of other drivers or pools that are
// not local to a node, passes through to the in-tree code as it is: the plugin
// never places a pod that in-tree would refuse, and refuses on its own account
// only requests that it understands completely.
//
// Two plugins are registered: Name for placement and ScoreName for scoring, which
// has a weight of its own.
package deviceplacement
