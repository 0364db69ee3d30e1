// Command compat is kube-apiserver, kube-controller-manager and kube-scheduler of an
// earlier Kubernetes than the repository's own, chosen by the first argument. It is a
// module of its own, as a module can require one version of Kubernetes only; `make
// compat` runs the integration tests against it. etcd and kubectl are those of the
// newer version.
package main
