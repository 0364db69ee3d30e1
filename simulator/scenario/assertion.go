package scenario

// Assertion is what runs of a scenario are to show. Where several seeds are run it is
// about the mean over them.
type Assertion struct {
	// Metric is a column of `ashlar simulate -o csv`, such as utilisation or wait_p99_s,
	// in the unit that it has there.
	Metric string `json:"metric"`
	// Variant and Policy say which runs are meant: without either, all that the scenario
	// has.
	Variant string `json:"variant,omitempty"`
	Policy  string `json:"policy,omitempty"`
	// AtLeast and AtMost bound the figure.
	AtLeast *float64 `json:"atLeast,omitempty"`
	AtMost  *float64 `json:"atMost,omitempty"`
	// AtLeastOf and AtMostOf compare it with that of other runs.
	AtLeastOf *Multiple `json:"atLeastOf,omitempty"`
	AtMostOf  *Multiple `json:"atMostOf,omitempty"`
}

// Multiple is so many times the figure of other runs.
type Multiple struct {
	// Variant or Policy, or both, say which runs.
	Variant string `json:"variant,omitempty"`
	Policy  string `json:"policy,omitempty"`
	// Times is 1 if not stated.
	Times float64 `json:"times,omitempty"`
}
