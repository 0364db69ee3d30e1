package serverhost

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// isRDMA reports whether a resource is a network adapter for RDMA: rdma/hca_shared_devices_a.
func isRDMA(name string) bool {
	return strings.HasPrefix(name, "rdma/") || strings.HasPrefix(name, "nvidia.com/") && strings.Contains(name, "rdma")
}

// mayLockMemory reports whether the container may lock as much memory as it likes.
func (s *ModelServer) mayLockMemory() bool {
	security := s.Container.SecurityContext
	if security == nil {
		return false
	}
	if security.Privileged != nil && *security.Privileged {
		return true
	}
	return security.Capabilities != nil && slices.ContainsFunc(security.Capabilities.Add, func(c corev1.Capability) bool {
		name := strings.TrimPrefix(strings.ToUpper(string(c)), "CAP_")
		return name == "IPC_LOCK" || name == "SYS_RESOURCE" || name == "ALL"
	})
}
