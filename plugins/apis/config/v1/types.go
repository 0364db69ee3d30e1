package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DevicePlacementArgs are the arguments of the plugin DevicePlacement.
type DevicePlacementArgs struct {
	metav1.TypeMeta `json:",inline"`

	// Policy is the name of the placement policy. ashlar simulate lists the policies.
	Policy *string `json:"policy,omitempty"`
	// ExplainTimeout is how long the plugin may look for what would make a pod fit that
	// fits nowhere, for example 1s; more than 0 and at most 1m. The pods behind it in the
	// queue wait for so long.
	ExplainTimeout *metav1.Duration `json:"explainTimeout,omitempty"`
	// MaxExplainedNodes is how many nodes in different states it looks at for that, at
	// least 1.
	MaxExplainedNodes *int32 `json:"maxExplainedNodes,omitempty"`
	// Forecast says whether what is expected of pods to come has a say in the order of
	// nodes.
	Forecast *bool `json:"forecast,omitempty"`
	// ScoreSpan is how far apart the scores of the best and the worst node are, 0 to 100.
	// Nodes are scored by rank, so that the smallest difference between two nodes is worth
	// all of it; a smaller span gives other plugins more of a say.
	ScoreSpan *int32 `json:"scoreSpan,omitempty"`
	// Candidates is how many of the best nodes, as far as devices go, are asked for a pod; if
	// other plugins refuse all of them the rest are asked at once. 0 always asks all nodes.
	Candidates *int32 `json:"candidates,omitempty"`
}
