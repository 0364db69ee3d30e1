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

// rememberPod reports whether the pod is new, and remembers it.
func (r *recentPods) rememberPod(uid types.UID) bool {
	if _, known := r.newer[uid]; known {
		return false
	}
	_, known := r.older[uid]
	if r.newer == nil || len(r.newer) >= maxRecent {
		r.newer, r.older = make(map[types.UID]struct{}), r.newer
	}
	r.newer[uid] = struct{}{}
	return !known
}
