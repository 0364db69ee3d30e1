// Package kubelet is the driver as the kubelet sees it: package prepare behind the
// interface of k8s.io/dynamic-resource-allocation/kubeletplugin.
//
//	plugin.go  Plugin
package kubelet
