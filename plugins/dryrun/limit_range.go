package dryrun

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/plugin/pkg/admission/limitranger"
)

// limitPod does what the API server's LimitRanger does to a new pod: defaults of the namespace's
// LimitRanges, and their bounds.
func (a *podAdmission) limitPod(pod *corev1.Pod) error {
	limits := a.limits[pod.Namespace]
	if len(limits) == 0 {
		return nil
	}
	internal := &api.Pod{}
	if err := objectScheme.Convert(pod, internal, nil); err != nil {
		return err
	}
	for _, limit := range limits {
		if err := limitranger.PodMutateLimitFunc(limit, internal); err != nil {
			return fmt.Errorf("LimitRange %s: %w", limit.Name, err)
		}
	}
	for _, limit := range limits {
		if err := limitranger.PodValidateLimitFunc(limit, internal); err != nil {
			return fmt.Errorf("LimitRange %s: %s", limit.Name, strings.Trim(err.Error(), "[]"))
		}
	}
	limited := &corev1.Pod{}
	if err := objectScheme.Convert(internal, limited, nil); err != nil {
		return err
	}
	pod.Spec = limited.Spec
	return nil
}
