package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/bench/schedulers/binding"
	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
)

const (
	// refusalPatience is how long an explanation may take.
	refusalPatience = time.Minute
	// refusalRounds is how many pods of each kind are refused.
	refusalRounds = 3
)

// timeRefusals creates pods that fit nowhere, one after the other, and returns how long each
// waited for Ashlar's explanation. Its scheduler is running, and the cluster has pods.
func (s *benchmarkSession) timeRefusals(ctx context.Context) ([]binding.Refusal, error) {
	var all []binding.Refusal
	for round := range refusalRounds {
		for _, refusal := range workload.Refusals {
			name := fmt.Sprintf("%s-%d-%d", refusal.Name, s.runs, round)
			pod, claim := refusal.NewPod(name, name)
			timed, err := binding.TimeRefusal(ctx, s.client, pod, claim, refusal.Explained, refusalPatience)
			if err != nil {
				return nil, err
			}
			s.say(fmt.Sprintf("pod %s, explained %t, after %.2f s: %s", name, timed.Explained, timed.Seconds, timed.Message))
			all = append(all, timed)
		}
	}
	return all, nil
}
