// Package outlook joins the two levels at which pods are placed: package placement,
// which chooses devices on one node, and package cluster, which rates nodes by the
// pods to come. The scheduler and the simulator ask it which of the nodes that would
// serve a pod equally well loses least.
//
// It has a say in pods that take one GPU or a share of one, of which clusters see most
// and which can go anywhere. Where links matter or a MIG instance is cut, placement's
// own rating knows more and decides.
package outlook
