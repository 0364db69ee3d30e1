// Package nodedriver runs the driver of one node: it connects what the other packages do.
//
//	discovery ──> devices ──────────────┬──────────────> publish ──> kubelet's helper ──> API server
//	                ▲                   │                   ▲
//	foreign MIG instances, GPUs         ▼                   │ taints
//	that others have                 prepare <── kubelet    │
//	                                    │                   │
//	                        CDI, MPS, checkpoint          health <── events and conditions of GPUs
//	                                    │                   │
//	                                    └─> claim status <──┘
//
//	driver.go    Options, Run
//	devices.go   what is handed out at present
//	specs.go     CDI specs, for package prepare
//	mps.go       MPS control daemons, for package prepare
//	claims.go    claims that are gone; claimstatus.go and statusentries.go write the health of
//	             devices into the status of those that are there
//	standby.go   one driver at a time, during an upgrade
//	metrics.go   what Prometheus is told
//	serving.go   whether the kubelet can reach the driver, over gRPC
package nodedriver
