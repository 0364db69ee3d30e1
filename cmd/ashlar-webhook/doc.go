// Command ashlar-webhook reviews new pods in namespaces with the label
// ashlar.dev/webhook=enabled: it gives those that are written for other GPU schedulers, or that
// name only their model, claims that mean the same, and warns of what the scheduler would refuse.
// What it does to a pod is package admission's; docs/webhook.md is for its users.
//
//	API server ── POST /mutate-pods ──> podHandler ── admission.ReviewPod
//	                                        │             ▲
//	                                        │             └─ clusterView: slices, classes, nodes
//	                                        └─ templateKeeper: ResourceClaimTemplates, made before
//	                                           the pod and swept when no pod names them
//	Secret ashlar-webhook-cert <── certificateKeeper ──> caBundle of the webhook configuration
//
// It fails open: whatever goes wrong here, the pod is created as it was, with a warning. Only pods
// whose keys contradict one another are refused. A request that is a dry run creates nothing.
// Replicas need no leader: what each does to the Secret, the configuration and the templates is
// guarded by resource versions or harmless when done twice.
//
// # What it must be allowed
//
//	core                          nodes                          list, watch
//	core                          pods                           list
//	resource.k8s.io               resourceslices, deviceclasses  list, watch
//	resource.k8s.io               resourceclaimtemplates         list, watch, create, patch, delete
//	without --cert-dir, in its own namespace and for its own configuration:
//	core                          secrets                        create; get, update of ashlar-webhook-cert
//	admissionregistration.k8s.io  mutatingwebhookconfigurations  get, patch of ashlar-webhook
//
// # Files
//
//	main, flags, version   the command line
//	serve                  the manager, the server, readiness
//	handler                one request
//	clusterview            what is known of the cluster
//	templates, sweep       ResourceClaimTemplates: made, and deleted
//	certificates, rotation self-made certificates: pairs, and when they are replaced
//	bundle                 who the API server trusts
//	outcomes               metrics
package main
