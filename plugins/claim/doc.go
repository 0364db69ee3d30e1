// Package claim makes ResourceClaims and ResourceClaimTemplates that are sized for a
// model server: of the options that package plan finds, those that fit, the cheapest
// first, as alternatives of one request.
//
//	plan.Answer ── NewSizing ──> Sizing ── ClaimTemplate, ResourceClaim ──> typed objects
//
// Callers print the objects: ashlar plan -o claim writes YAML with comments.
//
// # Files
//
//	alternative   options that are had in the same form, as one entry of firstAvailable
//	selector      devices in CEL
//	sizing        the typed objects
//	name          Kubernetes names made of models' names
package claim
