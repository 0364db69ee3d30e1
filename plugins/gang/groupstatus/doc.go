// Package groupstatus keeps the status of PodGroups up to date: how many of a group's
// pods run, have succeeded and have failed, and the phase that follows from it. It
// reads pods and groups from caches of its own, as the scheduler's cache of pods holds
// neither succeeded nor failed ones, and only of the pods that name a group.
//
// phase.go is the pure rule from pods to status, controller.go applies it.
package groupstatus
