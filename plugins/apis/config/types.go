package config

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DevicePlacementArgs are the arguments of the plugin DevicePlacement.
type DevicePlacementArgs struct {
	metav1.TypeMeta

	// Policy is the name of the placement policy, as ashlar simulate knows it.
	Policy string
	// ExplainTimeout is how long the plugin may look for what would make a pod fit that
	// fits nowhere. The pods behind it in the queue wait for so long.
	ExplainTimeout metav1.Duration
	// MaxExplainedNodes is how many nodes in different states it looks at for that.
	MaxExplainedNodes int32
	// Forecast says whether what is expected of pods to come has a say in the order of
	// nodes.
	Forecast bool
	// ScoreSpan is how far apart the scores of the best and the worst node are, 0 to 100.
	// Nodes are scored by rank, so that the smallest difference between two nodes is worth
	// all of it; a smaller span gives other plugins more of a say.
	ScoreSpan int32
	// Candidates is how many of the best nodes, as far as devices go, are asked for a pod; if
	// other plugins refuse all of them the rest are asked at once. 0 always asks all nodes.
	Candidates int32
}
