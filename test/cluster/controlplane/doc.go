// Command controlplane is the whole Kubernetes control plane in one binary:
// etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl,
// unmodified, chosen by the first argument. One binary means that their shared
// code, which is most of it, is compiled and linked once.
package main
