package integration

import (
	"errors"
	"fmt"
	"testing"
)

// A pod of higher priority evicts a holder of devices, which the in-tree plugin
// cannot do, and evicts no more pods than it must.
func TestDevicesArePreempted(t *testing.T) {
	s := newSpace(t)
	s.priorityClass("urgent", 1000)

	holders := []string{"one", "three"}
	s.create(s.pod("one", ashlar, "preemption"), request(whole, 1))
	s.create(s.pod("three", ashlar, "preemption"), request(whole, 3))
	s.running(holders...)

	pod := s.pod("urgent", ashlar, "preemption")
	pod.Spec.PriorityClassName = "urgent"
	s.create(pod, request(whole, 1))
	s.running("urgent")
	if _, err := s.get("three"); err != nil {
		t.Fatalf("the pod with three GPUs is ended where one with a single GPU would do: %v", err)
	}
	if _, err := s.get("one"); err == nil {
		t.Fatal("both pods are left")
	}
}

// What was freed for a pod is kept for it, however many others wait for a part of that.
func TestFreedDevicesAreKeptForThePreemptor(t *testing.T) {
	s := newSpace(t)
	s.priorityClass("needs-all", 1000)
	var first []string
	for i := range 8 {
		name := fmt.Sprint("first-", i)
		s.create(s.pod(name, ashlar, "kept-eight"), request(whole, 1))
		first = append(first, name)
	}
	s.running(first...)
	for i := range 12 {
		s.create(s.pod(fmt.Sprint("waiting-", i), ashlar, "kept-eight"), request(whole, 1))
	}
	s.pending("waiting-11")
	pod := s.pod("all", ashlar, "kept-eight")
	pod.Spec.PriorityClassName = "needs-all"
	s.create(pod, request(whole, 8))
	s.running("all")
}

// The pods of a group end together, on all their nodes.
func TestGroupsArePreemptedWhole(t *testing.T) {
	s := newSpace(t)
	s.priorityClass("above-groups", 1000)
	s.podGroup("low", 2)
	for i, node := range []string{"whole-groups-a", "whole-groups-b"} {
		pod := s.pod(fmt.Sprint("low-", i), ashlar, node)
		pod.Labels = map[string]string{"scheduling.x-k8s.io/pod-group": "low"}
		s.create(pod, request(whole, 2))
	}
	s.running("low-0", "low-1")
	pod := s.pod("above", ashlar, "whole-groups-a")
	pod.Spec.PriorityClassName = "above-groups"
	s.create(pod, request(whole, 3))
	s.running("above")
	s.until("the rest of the group to end", func() error {
		if _, err := s.get("low-1"); err == nil {
			return errors.New("half a group is left")
		}
		return nil
	})
}
