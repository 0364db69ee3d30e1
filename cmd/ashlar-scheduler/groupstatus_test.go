package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	componentconfig "k8s.io/component-base/config"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupstatus"
)

// Who writes statuses is found out as who schedules is, by a Lease of its own.
func TestStatusElection(t *testing.T) {
	configured := componentconfig.LeaderElectionConfiguration{
		LeaderElect: true, ResourceNamespace: "ashlar-system", ResourceName: "ashlar-scheduler",
		LeaseDuration: metav1.Duration{Duration: 15 * time.Second},
		RenewDeadline: metav1.Duration{Duration: 10 * time.Second},
		RetryPeriod:   metav1.Duration{Duration: 2 * time.Second},
	}
	of := func(disabled bool, namespace, name string) groupstatus.Election {
		return groupstatus.Election{
			Disabled: disabled, Namespace: namespace, Name: name,
			Lease: 15 * time.Second, Renew: 10 * time.Second, Retry: 2 * time.Second,
		}
	}
	for name, tc := range map[string]struct {
		flags []string
		want  groupstatus.Election
	}{
		"of the configuration": {nil, of(false, "ashlar-system", "ashlar-scheduler-podgroup-status")},
		"switched off":         {[]string{"--leader-elect=false"}, of(true, "ashlar-system", "ashlar-scheduler-podgroup-status")},
		"another Lease": {
			[]string{"--leader-elect-resource-name=mine", "--leader-elect-resource-namespace=there"},
			of(false, "there", "mine-podgroup-status"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			command := newCommand()
			if err := command.ParseFlags(tc.flags); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, statusElection(command, configured)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
