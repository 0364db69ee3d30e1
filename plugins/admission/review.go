package admission

import (
	"errors"
	"slices"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
)

// Options are how pods are reviewed.
type Options struct {
	// Scheduler is the name of Ashlar's scheduler, SchedulerName if it is empty.
	Scheduler string
}

// Outcome is what becomes of a pod.
type Outcome struct {
	// Pod is the pod as it should be, the given one itself if nothing changes.
	Pod *v1.Pod
	// Templates are what it claims by: they must be there before it is.
	Templates []*resourceapi.ResourceClaimTemplate
	// Warnings are for the author of the pod, each once.
	Warnings []string
}

// podReview is one review.
type podReview struct {
	pod      *v1.Pod
	cluster  *Cluster
	options  Options
	outcome  *Outcome
	record   Record
	warnings []string
	// claimed is the most GPUs that a claim of the pod's has.
	claimed int64
}

// ReviewPod says what becomes of a new pod in a namespace that asked for it. The pod is not
// changed. The error is a *Refusal, or the pod is too large to be written.
func ReviewPod(pod *v1.Pod, namespace string, cluster *Cluster, options Options) (*Outcome, error) {
	if options.Scheduler == "" {
		options.Scheduler = SchedulerName
	}
	if cluster == nil {
		cluster = &Cluster{}
	}
	r := &podReview{pod: pod.DeepCopy(), cluster: cluster, options: options, outcome: &Outcome{Pod: pod}}
	peers, err := readPeers(r.pod)
	if err != nil {
		return nil, err
	}
	r.claimForPeers(peers, namespace)
	if len(peers.asks) == 0 {
		if err := r.claimForModel(namespace); err != nil {
			return nil, err
		}
	}
	if len(r.outcome.Templates) > 0 {
		r.setScheduler(peers.schedulers)
		if err := r.record.writeTo(r.pod); err != nil {
			return nil, err
		}
		r.outcome.Pod = r.pod
	}
	r.findWarnings()
	r.outcome.Warnings = shortenWarnings(r.warnings)
	return r.outcome, nil
}

// claimForPeers gives the pod the claims that mean what the keys of other schedulers say.
func (r *podReview) claimForPeers(peers *peerReading, namespace string) {
	for i := range peers.asks {
		one := &peers.asks[i]
		spec, notes, err := one.ask.claimSpec(r.cluster)
		var no *unclaimableAsk
		if errors.As(err, &no) {
			peers.addNote("container %s: %s stays as it is: %s", one.containerNames(), one.stated[0], no.because)
			continue
		}
		for _, note := range notes {
			peers.addNote("container %s: %s", one.containerNames(), note)
		}
		if one.init && !peers.sharesLater(one) {
			peers.addNote("container %s is an init container: its claim is held as long as the pod is there", one.containerNames())
		}
		r.noteTooLarge(peers, one)
		template := newTemplate(namespace, aboutAsk(&one.ask), spec, nil)
		claim := RecordedClaim{Template: template.Name, Means: one.ask.describeAsk(), From: map[string]string{}, Removed: map[string]string{}}
		var resources []string
		for _, s := range one.stated {
			claim.From[s.key] = s.value
			if isResourceKey(s.key) {
				resources = append(resources, s.key)
			}
		}
		for _, c := range one.containers {
			claim.Containers = append(claim.Containers, c.Name)
			for key, value := range removeResources(c, append(slices.Clone(resources), unkeptResources...)) {
				claim.Removed[key] = value
			}
		}
		r.addTemplate(template)
		if !r.joinClaim(one, &claim) {
			addClaim(r.pod, template.Name, one.containers)
			r.record.Claims = append(r.record.Claims, claim)
		}
		r.claimed = max(r.claimed, one.ask.count)
	}
	r.record.NotKept = append(r.record.NotKept, peers.notes...)
	r.warnings = append(r.warnings, peers.notes...)
}

// addTemplate adds a template once.
func (r *podReview) addTemplate(template *resourceapi.ResourceClaimTemplate) {
	same := func(other *resourceapi.ResourceClaimTemplate) bool { return other.Name == template.Name }
	if !slices.ContainsFunc(r.outcome.Templates, same) {
		r.outcome.Templates = append(r.outcome.Templates, template)
	}
}

// sharesLater reports whether a container that ends before others start asks for the same as
// one of those, whose claim it can have meanwhile.
func (r *peerReading) sharesLater(one *containerAsk) bool {
	return slices.ContainsFunc(r.asks, func(other containerAsk) bool { return !other.init && other.ask.equalAsk(&one.ask) })
}

// joinClaim lets containers that do not run at the same time have one claim: where one of the
// two is an init container. It reports false if the containers need one of their own.
func (r *podReview) joinClaim(one *containerAsk, claim *RecordedClaim) bool {
	for i := range r.record.Claims {
		earlier := &r.record.Claims[i]
		if earlier.Template != claim.Template || !one.init && !r.areInit(earlier.Containers) {
			continue
		}
		for _, c := range one.containers {
			c.Resources.Claims = append(c.Resources.Claims, v1.ResourceClaim{Name: r.pod.Spec.ResourceClaims[r.claimIndex(earlier)].Name})
		}
		earlier.Containers = append(earlier.Containers, claim.Containers...)
		return true
	}
	return false
}

// claimIndex is the entry of the pod's claims that a recorded one has: they are added together.
func (r *podReview) claimIndex(claim *RecordedClaim) int {
	own := len(r.pod.Spec.ResourceClaims) - len(r.record.Claims)
	for i := range r.record.Claims {
		if &r.record.Claims[i] == claim {
			return own + i
		}
	}
	return own
}

// areInit reports whether all containers of these names end before others start.
func (r *podReview) areInit(names []string) bool {
	all := true
	_ = eachContainer(r.pod, func(c *v1.Container, init bool) error {
		all = all && (init || !slices.Contains(names, c.Name))
		return nil
	})
	return all
}

// noteTooLarge notes memory that no GPU of the cluster has, which is usually a wrong unit.
func (r *podReview) noteTooLarge(peers *peerReading, one *containerAsk) {
	sizes := r.cluster.shareSizes()
	if len(sizes) == 0 || one.ask.memory <= sizes[len(sizes)-1] {
		return
	}
	peers.addNote("container %s: %s is %s of one GPU, and none here has more than %s", one.containerNames(), one.stated[0], one.ask.memory,
		sizes[len(sizes)-1])
}

// setScheduler names Ashlar's scheduler where the pod names none, the default one, or the one
// whose keys were read.
func (r *podReview) setScheduler(read []string) {
	name := r.pod.Spec.SchedulerName
	switch {
	case name == r.options.Scheduler:
	case name == "" || name == v1.DefaultSchedulerName || slices.Contains(read, name):
		r.record.Scheduler = &RecordedChange{From: name, To: r.options.Scheduler}
		r.pod.Spec.SchedulerName = r.options.Scheduler
	default:
		r.warnings = append(r.warnings, "schedulerName "+name+" stays: "+r.options.Scheduler+" would choose among GPUs")
	}
}
