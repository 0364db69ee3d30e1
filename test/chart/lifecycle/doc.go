// Package lifecycle tests the Helm chart on a real control plane: it is installed in both modes,
// changed while pods run, rolled back and uninstalled, nothing of it is left, and its accounts
// may do what they did and no more. It is apart from package chart since what renders for
// kustomize and what reads GPUs cannot be linked into one program.
//
//	install_test.go   install, upgrade, roll back, uninstall
//	objects_test.go   every object of the cluster
//	rbac_test.go      permissions against recorded calls
//	webhook_test.go   what makes the webhook ask for what it may
//	run_test.go       the programs beside the control plane, as the accounts that were installed
package lifecycle
