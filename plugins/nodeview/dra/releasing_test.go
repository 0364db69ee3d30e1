package dra

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestHasLiveUser(t *testing.T) {
	now := metav1.Now()
	pods := map[string]*v1.Pod{
		"running":     {ObjectMeta: metav1.ObjectMeta{UID: "running"}},
		"terminating": {ObjectMeta: metav1.ObjectMeta{UID: "terminating", DeletionTimestamp: &now}},
		"finished":    {ObjectMeta: metav1.ObjectMeta{UID: "finished"}, Status: v1.PodStatus{Phase: v1.PodSucceeded}},
		"failed":      {ObjectMeta: metav1.ObjectMeta{UID: "failed"}, Status: v1.PodStatus{Phase: v1.PodFailed}},
		"recreated":   {ObjectMeta: metav1.ObjectMeta{UID: "second"}},
	}
	user := func(name string) resourceapi.ResourceClaimConsumerReference {
		return resourceapi.ResourceClaimConsumerReference{Resource: "pods", Name: name, UID: pods[name].GetUID()}
	}
	for name, tc := range map[string]struct {
		users []resourceapi.ResourceClaimConsumerReference
		want  bool
	}{
		"nobody":                    {nil, false},
		"a running pod":             {[]resourceapi.ResourceClaimConsumerReference{user("running")}, true},
		"a terminating pod":         {[]resourceapi.ResourceClaimConsumerReference{user("terminating")}, false},
		"pods that have ended":      {[]resourceapi.ResourceClaimConsumerReference{user("finished"), user("failed")}, false},
		"one of two still runs":     {[]resourceapi.ResourceClaimConsumerReference{user("terminating"), user("running")}, true},
		"a pod that is gone":        {[]resourceapi.ResourceClaimConsumerReference{{Resource: "pods", Name: "gone", UID: "gone"}}, false},
		"another of the name":       {[]resourceapi.ResourceClaimConsumerReference{{Resource: "pods", Name: "recreated", UID: "first"}}, false},
		"something else than a pod": {[]resourceapi.ResourceClaimConsumerReference{{APIGroup: "example.com", Resource: "jobs", Name: "j"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			claim := &resourceapi.ResourceClaim{Status: resourceapi.ResourceClaimStatus{ReservedFor: tc.users}}
			if got := hasLiveUser(claim, func(_, name string) *v1.Pod { return pods[name] }); got != tc.want {
				t.Errorf("has a live user: %t, want %t", got, tc.want)
			}
		})
	}
}
