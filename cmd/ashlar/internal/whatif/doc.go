// Package whatif answers what a scheduler would do with pods, on a copy of a cluster.
//
// Objects is the copy: nodes, pods, claims and devices, read from an API server or
// from files. A World runs the scheduler's own cycles on it: kube-scheduler's
// framework with Ashlar's plugins and kube-scheduler's, at the weights of
// manifests/base, so that an answer is what the scheduler would have done and not an
// imitation of it. What a cycle allocates is booked in the copy instead of being
// written to the API server. Ask puts a Question to a World for each policy.
//
// Left out is what the copy does not hold: volumes, quotas, admission webhooks,
// DeviceTaintRules and disruption budgets. Nothing is preempted. What the scheduler
// learned from pods that have ended since is not known either.
package whatif
