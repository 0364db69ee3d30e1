package gang

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

// memberIndex is the name of the index of pods by the group that their label names.
const memberIndex = "scheduling.x-k8s.io/pod-group"

// memberReader finds the pods of a group in the scheduler's cache of pods, which holds
// neither succeeded nor failed ones.
type memberReader struct{ pods cache.Indexer }

// indexMembers adds the index to the pods' informer, unless the plugin of another
// profile did.
func indexMembers(pods cache.SharedIndexInformer) (memberReader, error) {
	if _, found := pods.GetIndexer().GetIndexers()[memberIndex]; !found {
		index := func(object any) ([]string, error) {
			pod, ok := object.(*v1.Pod)
			if !ok {
				return nil, nil
			}
			key, ok := labelledGroup(pod)
			if !ok {
				return nil, nil
			}
			return []string{key.String()}, nil
		}
		if err := pods.AddIndexers(cache.Indexers{memberIndex: index}); err != nil {
			return memberReader{}, err
		}
	}
	return memberReader{pods.GetIndexer()}, nil
}

// listMembers returns the group's pods, in no particular order.
func (r memberReader) listMembers(group groupKey) ([]*v1.Pod, error) {
	objects, err := r.pods.ByIndex(memberIndex, group.String())
	if err != nil {
		return nil, fmt.Errorf("listing the pods of group %s: %w", group, err)
	}
	pods := make([]*v1.Pod, 0, len(objects))
	for _, object := range objects {
		if pod, ok := object.(*v1.Pod); ok {
			pods = append(pods, pod)
		}
	}
	return pods, nil
}

// followAssignedPods enters members into the ledger that have a node by other means
// than this process's Permit: they were there before it started, or an earlier leader
// bound them. Members that are gone leave the ledger.
func (p *Plugin) followAssignedPods(pods cache.SharedIndexInformer) error {
	enter := func(object any) {
		pod, ok := object.(*v1.Pod)
		if !ok || pod.Spec.NodeName == "" {
			return
		}
		if key, ok := p.groupOf(pod); ok {
			p.ledger.assignMember(key, pod.UID)
		}
	}
	_, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    enter,
		UpdateFunc: func(_, object any) { enter(object) },
		DeleteFunc: func(object any) {
			if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = gone.Obj
			}
			pod, ok := object.(*v1.Pod)
			if !ok {
				return
			}
			if key, ok := p.groupOf(pod); ok {
				p.ledger.releaseMember(key, pod.UID)
				p.releaseIncomplete(key)
			}
		},
	})
	return err
}

// releaseIncomplete makes members give their nodes back that wait for more members than are
// left, now that one is gone.
func (p *Plugin) releaseIncomplete(key groupKey) {
	group, err := p.findGroup(key)
	if err != nil || group == nil {
		return
	}
	members, err := p.members.listMembers(key)
	if err != nil {
		return
	}
	if reason := missingMembers(group, members); reason != "" {
		p.rejectWaiting(key, givenBack(fmt.Sprintf("PodGroup %s %s", key, reason)))
	}
}
