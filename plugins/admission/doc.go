// Package admission reads new pods as other GPU schedulers' users write them, and pods that
// name only the model that they serve, and says which ResourceClaimTemplates they get
// instead, what changes in the pod, and what its author should be warned of.
//
//	Pod ──┬─ readPeers ── gpuAsk ───┐
//	      │  KAI, HAMi, Volcano,    ├── claimSpec ──> ResourceClaimTemplates, the changed Pod
//	      │  Koordinator            │                 with annotation ashlar.dev/admission
//	      └─ sizeModel ─────────────┘
//	         topology/memory/plan, plugins/claim
//	Pod ───── findWarnings ──> what the scheduler would refuse, as far as the pod tells
//
// ReviewPod is pure: what it needs of the cluster is passed in, and nothing is created. A pod
// whose keys contradict one another is a *Refusal, which names both keys with their values.
// What has no equal among claims is a warning and stays as it is: nothing is guessed. A
// container that has a claim already is left alone, so that a second review changes nothing.
//
// # Files
//
//	review          one pod: what it gets, what changes, what is said
//	cluster         what is known of the cluster
//	ask, claimspec  what a container asks of GPUs; the claim that means it
//	template        names made of contents; the entries of the pod
//	record          the annotation that says what was changed
//	keys            all keys of other schedulers, and what becomes of them
//	quantity        whole numbers, percentages and fractions, in the keys' own units
//	peers           which scheduler's keys a pod has
//	kai, vgpu, koordinator
//	                the keys of KAI; of HAMi and Volcano; of Koordinator
//	model           pods that name only their model
//	warnings, names, wording
//	                what the scheduler would refuse; names that nothing has; length of warnings
package admission
