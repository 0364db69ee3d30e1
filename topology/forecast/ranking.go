package forecast

import "math"

// Ranking chooses by a Rater and keeps its ratings, class by class. When a class comes
// again, only the nodes that changed in between are rated anew.
//
// Nodes with GPUs of one model compete among themselves first: prices by model then
// change without a single rating.
type Ranking struct {
	cluster *Cluster
	rater   Rater
	pricer  Pricer
	// groups are the nodes by model, those without GPUs first; group and slot say
	// where a node stands.
	groups [][]int32
	slot   []int32
	// ranked is by class. There are at most limit ratings, those of the class not asked
	// for the longest go first.
	ranked map[Class]*ranked
	limit  int
	asked  int64
}

// maxRatings bounds what a Ranking keeps: 21 bytes each, so 168 MiB.
const maxRatings = 8 << 20

// ranked is the ratings of one class.
type ranked struct {
	request Request
	// seen is the cluster's count of changes that the ratings know of, asked the
	// Ranking's count of questions when the class last came.
	seen, asked int64
	groups      []rankedGroup
}

type rankedGroup struct {
	tournament
	gpu []int8
	// changes is the node's count of changes when it was rated.
	changes []int64
}

// NewRanking makes a chooser of a rater.
func NewRanking(c *Cluster, rater Rater) *Ranking {
	k := &Ranking{cluster: c, rater: rater, ranked: map[Class]*ranked{}, limit: maxRatings, slot: make([]int32, c.Len())}
	k.pricer, _ = rater.(Pricer)
	k.groups = make([][]int32, len(c.models.names)+1)
	for i := range c.nodes {
		group := &k.groups[c.nodes[i].model+1]
		k.slot[i] = int32(len(*group))
		*group = append(*group, int32(i))
	}
	return k
}

// Choose implements Chooser.
func (k *Ranking) Choose(pod Pod) (Choice, bool) {
	ratings := k.current(pod.Class)
	var prices []int64
	if k.pricer != nil {
		prices = k.pricer.Prices(&ratings.request)
	}
	best, bestRating := Choice{Node: -1}, int64(math.MinInt64)
	for i, nodes := range k.groups {
		if ratings.groups[i].ratings == nil {
			continue
		}
		group := &ratings.groups[i]
		slot, found := group.best(func(slot int32) bool { return k.cluster.nodes[nodes[slot]].admits(pod.Memory) })
		if !found {
			continue
		}
		rating := group.ratings[slot]
		if prices != nil && i > 0 {
			rating -= prices[i-1]
		}
		node := int(nodes[slot])
		if best.Node < 0 || rating > bestRating || rating == bestRating && node < best.Node {
			best, bestRating = Choice{Node: node, GPU: int(group.gpu[slot])}, rating
		}
	}
	return best, best.Node >= 0
}

// current is the ratings of a class, brought up to date.
func (k *Ranking) current(class Class) *ranked {
	k.asked++
	ratings, found := k.ranked[class]
	if !found {
		ratings = k.rank(class)
		k.ranked[class] = ratings
	}
	ratings.asked = k.asked
	k.refresh(ratings)
	return ratings
}

// rank makes the ratings of a class, all outdated.
func (k *Ranking) rank(class Class) *ranked {
	for len(k.ranked) > 0 && (len(k.ranked)+1)*k.cluster.Len() > k.limit {
		k.forget()
	}
	ratings := &ranked{request: k.cluster.Request(class), seen: -1, groups: make([]rankedGroup, len(k.groups))}
	for i, nodes := range k.groups {
		if class.GPUs > 0 && !ratings.request.models.has(i-1) {
			continue
		}
		changes := make([]int64, len(nodes))
		for slot := range changes {
			changes[slot] = -1
		}
		ratings.groups[i] = rankedGroup{newTournament(make([]int64, len(nodes))), make([]int8, len(nodes)), changes}
	}
	return ratings
}

// forget drops the class not asked for the longest. No two were asked for at once, so
// the order of the map does not matter.
func (k *Ranking) forget() {
	var oldest *ranked
	for _, ratings := range k.ranked {
		if oldest == nil || ratings.asked < oldest.asked {
			oldest = ratings
		}
	}
	delete(k.ranked, oldest.request.Class)
}

// refresh rates the nodes that changed since the class last came.
func (k *Ranking) refresh(ratings *ranked) {
	changed, known := k.cluster.since(ratings.seen)
	// Beyond a quarter of the nodes, one whole tournament is cheaper than many updates.
	if known && ratings.seen >= 0 && 4*len(changed) < k.cluster.Len() {
		for _, i := range changed {
			n := &k.cluster.nodes[i]
			if group := &ratings.groups[n.model+1]; group.ratings != nil && k.rate(ratings, group, n) {
				group.update(k.slot[i])
			}
		}
	} else {
		for i, nodes := range k.groups {
			group := &ratings.groups[i]
			if group.ratings == nil {
				continue
			}
			anew := false
			for _, node := range nodes {
				anew = k.rate(ratings, group, &k.cluster.nodes[node]) || anew
			}
			if anew {
				group.build()
			}
		}
	}
	ratings.seen = k.cluster.changes()
}

// rate rates a node unless its rating is up to date.
func (k *Ranking) rate(ratings *ranked, group *rankedGroup, n *Node) (anew bool) {
	slot := k.slot[n.index]
	if group.changes[slot] == n.changes {
		return false
	}
	group.changes[slot] = n.changes
	rating, gpu := int64(unfit), 0
	if n.fits(&ratings.request) {
		rating, gpu = k.rater.Rate(n, &ratings.request)
	}
	group.ratings[slot], group.gpu[slot] = rating, int8(gpu)
	return true
}
