// Package integration tests Ashlar on a real control plane: etcd, API server,
// controller manager, the stock scheduler and KWOK's kubelets, with the driver
// and the scheduler installed from manifests/base under their own ServiceAccounts.
//
// All tests share one cluster. Each has nodes of its own, listed in nodes, and
// keeps its pods there.
package integration
