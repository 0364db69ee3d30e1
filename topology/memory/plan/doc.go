// Package plan says on which GPUs, MIG slices and shares of a GPU a model server runs,
// what is left there for its KV cache, and what that costs. It is the one place of these
// rules: ashlar plan prints them, claims are sized by them, and the simulator runs model
// servers by them.
//
//	catalogue ── ListOffers ──┐           GPUs and slices, with prices
//	                          ├── AnswerRequest ── Answer: Options, the cheapest first
//	Request ──────────────────┘                            Smallest, hints
//	  model, launch, demand
//
// # Files
//
//	offer, offer_name   what may be had, and which of it a short name means
//	request, overrides  what is asked, and which engine serves it
//	context             the longest request that a model was made for
//	option, order       one way to run the server, why it fits or does not, and which is better
//	share               the part of a GPU that is enough
//	answer, hint        all options, the smallest, and what would do besides
//	remedy              changes with which a server fits a GPU that it does not fit: remedy_gpus more of
//	                    them, remedy_weights smaller weights, remedy_requests fewer and shorter requests
//	                    and settings; remedy_words what to type, and what it costs
//	claimable           which options may stand in one claim, and with which arguments
//	describe            question, options and refusals in words
//
// It is pure: what it needs of the catalogue and of a model is passed in.
package plan
