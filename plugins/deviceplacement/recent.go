package deviceplacement

import "k8s.io/apimachinery/pkg/types"

// recentPods remembers pods that came lately, at least maxRecent of them. The zero value
// remembers none.
type recentPods struct {
	// newer is being filled; older was full before it.
	newer, older map[types.UID]struct{}
}

// maxRecent is how many pods one generation has.
const maxRecent = 4096

// knowsPod reports whether the pod is remembered.
func (r *recentPods) knowsPod(uid types.UID) bool {
	_, newer := r.newer[uid]
	_, older := r.older[uid]
	return newer || older
}

// rememberPod reports whether the pod is new, and remembers it.
func (r *recentPods) rememberPod(uid types.UID) bool {
	known := r.knowsPod(uid)
	if _, newer := r.newer[uid]; newer {
		return false
	}
	if r.newer == nil || len(r.newer) >= maxRecent {
		r.newer, r.older = make(map[types.UID]struct{}), r.newer
	}
	r.newer[uid] = struct{}{}
	return !known
}
