// Package groupcycle is what the scheduling cycle of a pod knows of its PodGroup.
//
// Package gang writes it in PreFilter, before the plugin that places devices reads it to place
// all members together: the profile must name Coscheduling first in preFilter. That plugin
// writes back what the group lacks, which package gang then says of all members.
//
//	group.go       the group in a cycle's state
//	constraints.go what members must share: annotations of a PodGroup or its pods
package groupcycle
