// Package chart tests what the Helm chart manifests/chart renders: that the folders for
// kustomize are made from it, that its values are documented and checked, and that what it says
// after an installation is true. Package lifecycle installs it.
//
//	render_test.go     helm template, read as objects
//	generate_test.go   the folders for kustomize, written by make generate
//	values_test.go     values.yaml, its schema and its table in docs/install.md
//	options_test.go    what each option adds, and how confined the pods are
//	notes_test.go      what helm install says
package chart
