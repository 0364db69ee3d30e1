package podspec

import "cmp"

// Autoscaler is an object that sets the replicas of another.
type Autoscaler struct {
	Kind, Namespace, Name string
	ScaleRange
	// Target is what it scales; an empty group matches every one.
	TargetGroup, TargetKind, TargetName string
}

// ReadAutoscaler reads how far a HorizontalPodAutoscaler or a ScaledObject of KEDA scales what; nil
// for objects of other kinds.
func (o *Object) ReadAutoscaler() (*Autoscaler, error) {
	r := workloadReader{object: o}
	a := &Autoscaler{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
	spec, kind := r.findNode("spec"), ""
	switch o.groupKind() {
	case "autoscaling/HorizontalPodAutoscaler":
		a.Min = r.readNumber(spec, "minReplicas", 1)
		a.Max = r.readNumber(spec, "maxReplicas", a.Min)
	case "keda.sh/ScaledObject":
		a.Min = r.readNumber(spec, "minReplicaCount", 0)
		a.Max = r.readNumber(spec, "maxReplicaCount", 100)
		kind = "Deployment"
	default:
		return nil, nil
	}
	if a.Min > a.Max {
		r.reportError(spec, "at least %d replicas and at most %d: want the former no larger", a.Min, a.Max)
	}
	target := spec.Field("scaleTargetRef")
	a.TargetKind, a.TargetName = cmp.Or(target.Field("kind").String(), kind), target.Field("name").String()
	a.TargetGroup = groupOf(target.Field("apiVersion").String())
	if a.TargetKind == "" || a.TargetName == "" {
		r.reportError(spec, "spec.scaleTargetRef: want kind and name of what is to be scaled")
	}
	return a, r.err
}

// ScalesWorkload reports whether the autoscaler is one of a workload. Workloads of an object all scale
// together, but for those that have a part of their own.
func (a *Autoscaler) ScalesWorkload(w *Workload) bool {
	return a.scalesDynamo(w) || a.TargetKind == w.Kind && a.TargetName == w.Name && a.Namespace == w.Namespace &&
		(a.TargetGroup == "" || a.TargetGroup == groupOf(w.APIVersion))
}
