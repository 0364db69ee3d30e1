// Package config holds the arguments of Ashlar's scheduler plugins in the internal
// version of the API group kubescheduler.config.k8s.io, next to the arguments of
// kube-scheduler's own plugins.
//
// Files are written in version v1 (package v1), which has the defaults. Importing package
// scheme registers both versions with the scheduler's own scheme, which reads strictly:
// an unknown field is an error. Package validation says everything that is wrong with a
// value.
package config
