// Package doctor is ashlar doctor: what is wrong with a cluster for placing GPU pods, each with a remedy.
//
//	cluster, or snapshot ──> Evidence ──> every check ──> CheckResult, Findings ──> table, JSON, exit code 3
//
// A check reads Evidence only. What a snapshot does not hold, or what the caller may not list, is nil
// there, and the checks that need it say that they did not check.
//
//	command.go, report.go   the command, and how it prints
//	evidence.go             what checks read; live_evidence.go has it read from an API server
//	check.go                what a check and a finding are, and all checks in order
//	api_server.go           versions of the API server and its features
//	device_classes.go       DeviceClasses that are missing, or collide
//	two_ways.go             one GPU offered in two ways
//	slices.go               stale and incomplete pools
//	node_labels.go          labels of nodes
//	runtime_class.go        RuntimeClasses that pods name
//	webhook.go              the admission webhook
//	scheduler.go            the scheduler's Deployment and lease
//	driver_pods.go          the driver's pods
//	scheduler_name.go       schedulerNames close to ours
//	pod_groups.go           PodGroups that never start, and their CRD
//	double_allocation.go    devices allocated twice
//	device_health.go        tainted devices
//	pending_pods.go         pods that wait for what is not there
//	gpu_stack.go            the first broken link of the GPU stack
//	annotations.go          annotations that nothing reads
package doctor
