package scenario

import "slices"

// NotModelled says in sentences what reality has and runs of the scenario do not, as far as it
// bears on their figures.
func (s *Scenario) NotModelled() []string {
	var list []string
	switch {
	case s.sharesGPUs() && s.SlowDown == nil:
		list = append(list, "Jobs on one GPU slow one another down; here each runs as if it were alone (slowDown).")
	case s.sharesGPUs() && s.SlowDown.Measured == nosYolos:
		list = append(list, "Slow-down is that of one detector on one GPU (nos-yolos), by how busy the scenario says jobs are; "+
			"other models and GPUs differ, and caches and bandwidth are not looked at apart.")
	}
	if s.servesRequests() {
		list = append(list, "Single requests of servers; a server here is there, loads or waits.")
	}
	return append(list, "The time that the scheduler takes to decide, and that a preempted job takes to end.")
}

// sharesGPUs reports whether GPUs have several holders at a time in any variant.
func (s *Scenario) sharesGPUs() bool {
	sharings := []Sharing{s.Sharing}
	for i := range s.Variants {
		sharings = append(sharings, s.Variants[i].Sharing)
	}
	if slices.ContainsFunc(sharings, func(way Sharing) bool { return way.replicaTerms().replicas > 1 }) {
		return true
	}
	byRequest := slices.ContainsFunc(sharings, func(way Sharing) bool { return way == "" || way == ByRequest })
	return byRequest && slices.ContainsFunc(s.Workloads, func(w Workload) bool {
		return slices.ContainsFunc(w.Requests, func(r Request) bool { return r.Share != nil || r.Model != nil })
	})
}

// servesRequests reports whether any workload is servers.
func (s *Scenario) servesRequests() bool {
	return slices.ContainsFunc(s.Workloads, func(w Workload) bool { return w.Duration.UntilEnd || w.Autoscale != nil })
}
