// Package mig knows the geometry of MIG: which profiles a GPU model offers,
// where each may be placed, which sets of instances are legal together and what
// stays placeable after a choice.
//
// Placements are counted in memory slices, written start:size. A set of
// instances is legal if their memory slices are disjoint, each start is in its
// profile's list, and the media engines suffice; compute slices never bind once
// that holds. Profiles are keyed by GPU instance profile id: their names are
// rounded by the driver and change with it.
package mig
