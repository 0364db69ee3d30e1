// Package forecast says what pods to come need, and what a choice takes from them.
//
// Where package placement decides which GPUs of one node a request gets, by their links
// and MIG placements, this package looks at amounts only: CPU and thousandths of GPUs.
//
//	pods that were placed ──> DemandForecast.ObservePod ──> which classes of pods to expect
//	a node, its state, devices ──> DemandForecast.OpportunityCost ──> millionths of a GPU
//
//	pods of a trace ──> ClassDemand ─┐
//	nodes ──> ClusterAmounts ────────┴─> CostModel, ModelScarcity
//
// # Which terms act where
//
// A cost has up to four terms: the gradient of fragmentation, CPU that is left without
// GPUs or GPUs without CPU (stranding), shares that waste a part of a GPU (cutting), and
// GPU models that some pods must have (scarcity).
//
//   - The policy ashlar of simulator/openb/policy has all four, for pods of every kind,
//     with the demand of the whole trace given beforehand, as FGD has it.
//   - The scheduler, and the simulator under the scheduler's policy, have the first three,
//     for pods that take one GPU or a share of one, with the demand learned from the pods
//     placed so far. Scarcity has no say: which models a pod accepts is an expression over
//     devices there, so that a GPU costs the same whatever its model. Pods with MIG
//     instances or several GPUs cost nothing: where links matter or an instance is cut,
//     the rating of package placement knows more and decides. They are counted among the
//     pods to come all the same. Pods without GPUs are neither priced nor counted.
//
// # Files
//
//	class.go, demand.go     what pods ask for; which of them to expect
//	node.go, amounts.go     what nodes have and have left; of models, models.go
//	cost.go                 what the three terms add up to, and how much each weighs
//	fragmentation.go        FGD's measure; gradient.go what a choice changes of it
//	stranding.go            CPU beside idle GPUs
//	cutting.go              the dual of the cutting stock problem, for shares
//	scarcity.go             prices of GPU models
//	forecast.go             the forecast that learns; learned.go when it does
//	drift.go, shape.go      how far the pods that come are from what is expected
//	devices.go              what the devices and states of package placement amount to
//
// The package holds no state of its own: the same input gives the same costs, on every
// architecture.
package forecast
