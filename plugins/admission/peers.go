package admission

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// peerReading is what a pod's keys of other schedulers say.
type peerReading struct {
	pod  *v1.Pod
	asks []containerAsk
	// schedulers are the names of the schedulers whose keys they are.
	schedulers []string
	// notes are keys that are not kept, and why.
	notes []string
}

func (r *peerReading) addNote(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

// readPeers reads the keys of all schedulers. The error is a *Refusal.
func readPeers(pod *v1.Pod) (*peerReading, error) {
	r := &peerReading{pod: pod}
	for _, read := range []func(*peerReading) error{readKAI, readHAMi, readVolcano, readKoordinator} {
		if err := read(r); err != nil {
			return nil, err
		}
	}
	for i := range r.asks {
		for j := range r.asks[:i] {
			a, b := &r.asks[j], &r.asks[i]
			for _, c := range a.containers {
				if slices.Contains(b.containers, c) {
					return nil, refuseContradiction("container "+c.Name+": ", a.stated[0], b.stated[0],
						"they are of different schedulers, and each asks for GPUs: keep those of one")
				}
			}
		}
		if err := r.asks[i].checkBeside(); err != nil {
			return nil, err
		}
	}
	r.noteStrayKeys()
	return r, nil
}

// checkBeside refuses containers that ask for GPUs of device plugins beside those of the keys that
// were read: they would need both.
func (a *containerAsk) checkBeside() error {
	for _, c := range a.containers {
		for name := range c.Resources.Limits {
			isRead := func(s statedKey) bool { return s.key == string(name) }
			if !deviceapi.IsGPUResource(string(name)) || slices.ContainsFunc(a.stated, isRead) {
				continue
			}
			keys := containerKeys{c}
			n, stated, _, err := keys.countOf(string(name))
			if err == nil && n > 0 {
				err = refuseContradiction(keys.placeText(), a.stated[0], stated, "the one asks for a part of a GPU, the other for more GPUs: keep one")
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// isFor reports whether the pod names a scheduler.
func (r *peerReading) isFor(scheduler string) bool { return r.pod.Spec.SchedulerName == scheduler }

// eachContainer calls for all containers, init containers first; init is true for those that
// end before others start. It ends with the first error.
func eachContainer(pod *v1.Pod, visit func(c *v1.Container, init bool) error) error {
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		if err := visit(c, c.RestartPolicy == nil || *c.RestartPolicy != v1.ContainerRestartPolicyAlways); err != nil {
			return err
		}
	}
	for i := range pod.Spec.Containers {
		if err := visit(&pod.Spec.Containers[i], false); err != nil {
			return err
		}
	}
	return nil
}

// hasClaims reports whether a container gets devices from claims already.
func hasClaims(c *v1.Container) bool { return len(c.Resources.Claims) > 0 }

// noteAnnotations notes annotations or labels that are not kept, with the reason.
func (r *peerReading) noteAnnotations(from map[string]string, reasons []keyReason) {
	for _, reason := range reasons {
		if value, found := from[reason.key]; found {
			r.addNote("%s is not kept: %s", statedKey{reason.key, shortValue(value)}, reason.because)
		}
	}
}

// keyReason is why a key is not kept.
type keyReason struct{ key, because string }

// longestValue is how much of a value is quoted.
const longestValue = 40

func shortValue(value string) string {
	runes := []rune(value)
	if len(runes) > longestValue {
		return string(runes[:longestValue-3]) + "..."
	}
	return value
}

// Bounds of lists of names in annotations: an expression has at most 10 KiB.
const (
	mostNames    = 32
	longestNames = 2048
)

// namesIn is a list of names, separated by commas. The error is a *Refusal.
func (r *peerReading) namesIn(key string) ([]string, error) {
	text, found := r.pod.Annotations[key]
	if !found || strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if len(text) > longestNames || strings.Count(text, ",") >= mostNames {
		return nil, refusePod("annotation %s: want at most %d names in at most %d bytes", key, mostNames, longestNames)
	}
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
			return nil, refusePod("annotation %s: %q is no name of a GPU", key, shortValue(name))
		}
		names = append(names, name)
	}
	return names, nil
}

// readChoice is what an annotation asks for and another excludes. A name in both is refused.
func (r *peerReading) readChoice(use, avoid string) (choice nameChoice, err error) {
	if choice.among, err = r.namesIn(use); err != nil {
		return choice, err
	}
	if choice.except, err = r.namesIn(avoid); err != nil {
		return choice, err
	}
	for _, name := range choice.among {
		if slices.Contains(choice.except, name) {
			return choice, refuseContradiction("", statedKey{use, shortValue(r.pod.Annotations[use])},
				statedKey{avoid, shortValue(r.pod.Annotations[avoid])}, "both name "+name)
		}
	}
	return choice, nil
}

// productChoice reads kinds of GPUs as HAMi and Volcano compare them: as part of "NVIDIA-"
// and the product's name, whatever the letter case.
func (r *peerReading) productChoice(use, avoid string) (nameChoice, error) {
	choice, err := r.readChoice(use, avoid)
	const maker = "NVIDIA"
	plain := func(names []string) []string {
		out := make([]string, 0, len(names))
		for _, name := range names {
			if rest := strings.TrimPrefix(strings.ToUpper(name), maker+"-"); rest != "" {
				name = name[len(name)-len(rest):]
			}
			out = append(out, name)
		}
		return out
	}
	choice.among, choice.except = plain(choice.among), plain(choice.except)
	if slices.ContainsFunc(choice.among, func(name string) bool { return strings.EqualFold(name, maker) }) {
		choice.among = nil // all are of that maker
	}
	return choice, err
}

// migAsk is what a container asks of MIG slices of device plugins, nil if nothing.
func migAsk(keys containerKeys) (*gpuAsk, statedKey, error) {
	for name := range keys.container.Resources.Limits {
		profile := deviceapi.ResourceProfile(string(name))
		if profile == "" || strings.HasSuffix(string(name), deviceapi.SharedResourceSuffix) {
			continue
		}
		count, stated, _, err := keys.countOf(string(name))
		if err != nil || count == 0 {
			return nil, stated, err
		}
		return &gpuAsk{count: count, form: migForm, profile: profile}, stated, nil
	}
	return nil, statedKey{}, nil
}
