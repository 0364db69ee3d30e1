// Package claim makes ResourceClaims and ResourceClaimTemplates that are sized for a
// model server: of the options that package plan finds, those that fit, the cheapest
// first, as alternatives of one request.
//
//	plan.Answer ── NewSizing ── Sizing ── ClaimTemplate, ResourceClaim: typed objects
//
// The objects are written by whoever asked for them; ashlar plan adds comments.
//
// # Files
//
//	alternative   options that are had in the same form, as one entry of firstAvailable
//	selector      devices in CEL
//	sizing        the typed objects
//	name          Kubernetes names made of models' names
package claim
