// Package cgroups makes and removes the control groups of a real node. They are the one
// thing of a node that does not go with its processes: they lie in the machine's own
// hierarchy, and somebody has to remove them.
package cgroups
