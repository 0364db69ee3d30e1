package forecast

import "github.com/ashlar-dev/ashlar/topology"

// Outlook is Ashlar for callers that keep nodes themselves and learn what to expect
// from the pods that come, as a scheduler does. The zero Outlook knows no nodes.
type Outlook struct {
	cluster *Cluster
	count   map[Class]int64
	pods    int64
	// learned is how many pods had come when demand was taken from count, nil before.
	learned int64
	demand  *Demand
	// rater is made of demand when it is first needed.
	rater *ashlar
}

const (
	// firstLesson is how many pods must have come before anything is expected: few
	// pods say little about their like.
	firstLesson = 64
	// nextLesson is by how many percent more pods must have come to learn again.
	nextLesson = 25
	// maxClasses bounds the classes that are told apart; pods of further ones are not
	// counted.
	maxClasses = 4096
)

// SetNodes says which nodes there are, all of them empty. What was learned stays.
func (o *Outlook) SetNodes(nodes []Capacity) error {
	c, err := New(nodes)
	if err != nil {
		return err
	}
	o.cluster, o.rater = c, nil
	return nil
}

// See notes that a pod of the class has come and was placed.
func (o *Outlook) See(class Class) {
	if _, known := o.count[class]; class.Check() != nil || !known && len(o.count) >= maxClasses {
		return
	}
	if o.count == nil {
		o.count = map[Class]int64{}
	}
	o.count[class]++
	o.pods++
	// Here rather than when it is asked, so that who asks more often does not learn
	// earlier.
	if o.pods >= firstLesson && (o.pods-o.learned)*100 >= o.learned*nextLesson {
		o.learned, o.demand, o.rater = o.pods, demandFrom(o.count), nil
	}
}

// Left is what a node has left.
type Left struct {
	// CPU is in milli-CPU.
	CPU int64
	// GPU is what is left of each GPU.
	GPU [topology.MaxGPUs]topology.MilliGPU
}

// Observe says what node i has left.
func (o *Outlook) Observe(i int, left Left) {
	n := &o.cluster.nodes[i]
	before := n.Idle
	n.CPU, n.Idle = left.CPU, 0
	for gpu := range n.GPUs() {
		n.GPU[gpu] = max(0, min(left.GPU[gpu], topology.WholeGPU))
		n.Idle += n.GPU[gpu]
	}
	n.changes++
	o.cluster.note(n, n.Idle-before)
}

// Loss is what placing a pod of the class on node i takes from the pods to come, in
// millionths of a GPU: Ashlar's rating, the other way round. It is 0 before enough pods
// have come, and where the pod does not fit as far as its class says.
func (o *Outlook) Loss(i int, class Class) int64 {
	if o.demand == nil {
		return 0
	}
	if o.rater == nil {
		o.rater = newAshlar(o.cluster, o.demand)
	}
	n, r := &o.cluster.nodes[i], o.cluster.Request(class)
	if !n.fits(&r) {
		return 0
	}
	rating, _ := o.rater.Rate(n, &r)
	if prices := o.rater.Prices(&r); prices != nil && n.model >= 0 {
		rating -= prices[n.model]
	}
	return -rating
}
