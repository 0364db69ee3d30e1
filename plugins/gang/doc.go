// Package gang starts the pods of a PodGroup together or not at all. The PodGroup is
// that of sigs.k8s.io/scheduler-plugins (scheduling.x-k8s.io/v1alpha1): a pod names
// its group in the label scheduling.x-k8s.io/pod-group, and the group says how many
// members it needs (minMember), how long the first may wait for the others
// (scheduleTimeoutSeconds) and what they need together (minResources). The plugin
// bears the name and takes the arguments of that project's plugin, Coscheduling.
//
// One file holds one extension point:
//
//	queue_sort.go   members of a group stand together in the queue
//	prefilter.go    a group with too few members, or too large for the cluster, does not start
//	permit.go       members wait until minMember of them have a node, then all are released
//	postfilter.go   if one does not fit, the ones that wait give their nodes back
//	reserve.go      if one falls out later, so do the ones that wait
//	requeue.go      what may let a group that was rejected start after all
//
// shortfall.go words what a group lacks, for its members' statuses and an event on it.
// ledger.go remembers of each group which members have a node and when it failed,
// groups.go reads PodGroups, members.go counts a group's pods, and min_resources.go says
// whether the cluster has what a group needs together. waiting.go counts the groups that wait.
// Package groupcycle is what the plugin that places devices is told of a group, so that it
// chooses nodes and devices for all members at once, and what that plugin says of it.
// Package groupstatus writes the status of PodGroups.
//
// Kubernetes has a PodGroup of its own (scheduling.k8s.io), which a pod names in
// spec.schedulingGroup. Its feature gate, GenericWorkload, is off unless an
// administrator turns it on: then the queue holds single pods only, and this plugin
// sees every pod by itself. With the gate on, pods that name such a group are queued
// and scheduled as one entity by kube-scheduler's own GangScheduling plugin. This
// plugin then sorts that entity by priority and time like a single pod, tells the plugin that
// places devices of the group, so that it chooses for all members at once, and says what such a
// group lacks (scheduling_group.go). It holds up none of its pods, whether they bear our label or not:
// two rules about one pod could wait for each other. No PostFilter plugin runs in such a cycle.
package gang
