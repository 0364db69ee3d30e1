// Package webhook tests cmd/ashlar-webhook on a real control plane, with Ashlar's driver and
// scheduler: two replicas under the ServiceAccount and the rights that the webhook's package
// comment lists, called by the API server.
package webhook
