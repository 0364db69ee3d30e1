package doctor

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
)

// leaseSlack is how long after its end a lease counts as alive: clocks differ.
const leaseSlack = 30 * time.Second

// checkScheduler looks at the scheduler's Deployment, and at the lease by which one of its replicas leads.
func checkScheduler(e *Evidence) checkOutcome {
	if e.Live == nil {
		return notChecked("a snapshot does not hold its Deployment and lease: run it on the cluster, without --snapshot")
	}
	if e.Live.Deployments == nil && e.Live.Leases == nil {
		return notChecked(notAllowed)
	}
	deployment, lease := findScheduler(e.Live)
	var o checkOutcome
	if deployment != nil && deployment.Status.AvailableReplicas == 0 {
		o.findings = append(o.findings, ClusterFinding{
			Severity: Broken, Object: objectName("Deployment", deployment.Namespace, deployment.Name),
			Cause: fmt.Sprintf("0 of %d replicas are available: no pod with schedulerName %s is placed",
				deployment.Status.Replicas, e.SchedulerName),
			Remedy: fmt.Sprintf("kubectl -n %s describe pods -l %s=%s", deployment.Namespace, nameLabel, schedulerName),
		})
	}
	switch {
	case lease == nil && deployment == nil && e.Live.Deployments != nil && e.Live.Leases != nil:
		o.findings = append(o.findings, ClusterFinding{
			Severity: Broken, Object: objectName("Deployment", "ashlar-system", schedulerName),
			Cause: fmt.Sprintf("there is neither a Deployment nor a Lease %s: no pod with schedulerName %s is placed",
				schedulerName, e.SchedulerName),
			Remedy: "kubectl apply -k manifests/base",
		})
	case lease != nil && lease.Spec.RenewTime != nil:
		age := e.Live.Now.Sub(lease.Spec.RenewTime.Time)
		if age > leaseSeconds(lease)+leaseSlack {
			o.findings = append(o.findings, ClusterFinding{
				Severity: Broken, Object: objectName("Lease", lease.Namespace, lease.Name),
				Cause: fmt.Sprintf("it was last renewed %s ago by %s and holds for %s: no replica leads, and nothing is placed",
					age.Round(time.Second), holderOf(lease), leaseSeconds(lease)),
				Remedy: fmt.Sprintf("kubectl -n %s logs -l %s=%s --tail=20", lease.Namespace, nameLabel, schedulerName),
			})
		}
	}
	switch {
	case lease != nil:
		o.well = fmt.Sprintf("%s leads", holderOf(lease))
	default:
		o.well = "its Deployment is available"
	}
	if deployment != nil {
		o.well += fmt.Sprintf(", %d of %d replicas available", deployment.Status.AvailableReplicas, deployment.Status.Replicas)
	}
	return o
}

func findScheduler(live *LiveEvidence) (deployment *appsv1.Deployment, lease *coordinationv1.Lease) {
	for _, one := range live.Deployments {
		if one.Labels[nameLabel] == schedulerName || one.Name == schedulerName {
			deployment = one
		}
	}
	for _, one := range live.Leases {
		if one.Name == schedulerName {
			lease = one
		}
	}
	return deployment, lease
}

func leaseSeconds(lease *coordinationv1.Lease) time.Duration {
	if lease.Spec.LeaseDurationSeconds == nil {
		return 0
	}
	return time.Duration(*lease.Spec.LeaseDurationSeconds) * time.Second
}

func holderOf(lease *coordinationv1.Lease) string {
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
		return "nobody"
	}
	return *lease.Spec.HolderIdentity
}
