// Package install puts Ashlar on a cluster the way an administrator would:
// manifests/base, with the component extended-resources, is applied as it is, and the scheduler and the driver run as the
// ServiceAccounts that it creates, so that a missing permission shows. Only that
// they run as local processes instead of pods is different.
package install
