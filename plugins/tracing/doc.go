// Package tracing makes OpenTelemetry spans of what the scheduler does for a pod, for those
// who ask where the time of a cycle went or why a pod went where it is. Each attempt to
// schedule a pod that asks for GPUs is one trace:
//
//	scheduling cycle            pod, claims, outcome, the refusal if there is one
//	├── PreFilter               nodes there are, candidates that are asked
//	│   ├── RankNodes           nodes in the order of their devices
//	│   ├── FindCandidates      the few that are asked
//	│   └── PlanGroup           places of all pods of its PodGroup
//	├── PostFilter              why nothing fits
//	│   └── Explain             the search for what would help
//	├── Reserve                 node and chosen devices
//	└── PreBind                 claims are written
//	    └── ConfirmDevices      the guard against double allocations, before the pod is bound
//
// Nothing is made until a provider is given: then a step costs one atomic load and
// allocates nothing, which benchmarks hold. The same is true of a trace that the provider's
// sampler leaves out.
//
// The files: provider.go (who makes spans), cycle.go (a trace), step.go (a part of one),
// attributes.go (what they say).
package tracing
