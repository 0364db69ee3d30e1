package deviceplugin

import (
	fwk "k8s.io/kube-scheduler/framework"
)

// HandsOutTwice reports whether a node hands out through its device plugin the same GPUs
// of which published are offered to claims. Labels that count more GPUs than one of the
// two knows prove that they are not the same; without such proof they are taken to be, as
// both find all GPUs of a node unless they are told otherwise.
func (s *Source) HandsOutTwice(node fwk.NodeInfo, published int64) bool {
	offered := s.LookUpNode(node.Node())
	if offered == nil || published == 0 {
		return false
	}
	devices := int64(0)
	for i := range offered.Resources {
		r := &offered.Resources[i]
		if r.Profile == "" {
			devices += max(1, r.CountDevices())
		} else {
			devices++ // of one GPU at least
		}
	}
	return offered.GPUs == 0 || devices+published > offered.GPUs
}

// AnyInUse reports whether pods on a node have any of its device plugin's GPUs.
func (s *Source) AnyInUse(node fwk.NodeInfo) bool {
	offered := s.LookUpNode(node.Node())
	if offered == nil {
		return false
	}
	requested := node.GetRequested().GetScalarResources()
	for i := range offered.Resources {
		if requested[offered.Resources[i].Name] > 0 {
			return true
		}
	}
	return false
}
