package plan

import (
	"strings"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/serverhost"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// serverQuestion is one model server to plan for.
type serverQuestion struct {
	memoryplan.Request
	// where is the pod or object it comes from, "" for the command line.
	where string
	// unknown is what the pod leaves open, profiles the MIG profiles it asks for.
	unknown  []unknownSetting
	profiles []string
	// allowsLong says that vLLM is told to take longer requests than the model's.
	allowsLong bool
	// notes are said beside the answer, and host what stops or slows the server beside its GPUs.
	notes []string
	host  []serverhost.HostNote
	// together is how many pods, on nodes of their own, the server spans; 0 for one.
	together int64
	// replicas is how many of the server there are at most, 0 if that is not known; scales says that
	// an autoscaler sets their number, and scaledBy names the object that does, "" without one.
	replicas int64
	scales   bool
	scaledBy string
}

// unknownSetting is a setting, by its name in package launch.
type unknownSetting struct {
	Field   string `json:"field"`
	Because string `json:"because"`
}

func newQuestion(found foundModel) serverQuestion {
	return serverQuestion{Request: memoryplan.Request{Model: found.model, Config: found.config}, notes: found.notes}
}

// titleText names the server for people.
func (q *serverQuestion) titleText() string {
	if q.where == "" {
		return q.Model.Name
	}
	return q.where + ": " + q.Model.Name
}

// applyOverrides changes the model's config.json, as a server's flags do.
func (q *serverQuestion) applyOverrides(overrides map[string]any) error {
	if len(overrides) == 0 {
		return nil
	}
	changed, config, err := memoryplan.OverrideConfig(q.Model, q.Config, overrides)
	if err != nil {
		return err
	}
	q.Model, q.Config = changed, config
	return nil
}

// addDoubts notes what a reading leaves open.
func (q *serverQuestion) addDoubts(r *launch.Reading) {
	for _, u := range r.Unknown {
		if u.Field == launch.FieldFitModelLen && !r.IsKnown(launch.FieldMaxModelLen) {
			continue // one flag sets both
		}
		if u.Field == launch.FieldNoHybridKV && !modelmemory.DependsOnHybridCache(q.Model) {
			continue
		}
		q.unknown = append(q.unknown, unknownSetting{Field: u.Field.String(), Because: u.Because})
	}
	q.notes = append(q.notes, r.Contradictions...)
	if len(r.Unrecognised) > 0 {
		q.notes = append(q.notes, "taken to be without effect on memory: "+strings.Join(r.Unrecognised, " "))
	}
}

// serverAnswer is the answer for one model server.
type serverAnswer struct {
	*memoryplan.Answer
	question *serverQuestion
	// notes are facts that qualify the answer.
	notes []string
	// remedies make the server fit a GPU that was named, and that it does not fit.
	remedies map[*memoryplan.Option][]memoryplan.FitRemedy
	// cheapest make it fit some GPU, where none was named and it fits none.
	cheapest []memoryplan.FitRemedy
}

// newServerAnswer is the answer with its notes. Where nothing fits, they say what would; for
// GPUs that are named, each says so itself.
func newServerAnswer(q *serverQuestion, answer *memoryplan.Answer, offers []memoryplan.Offer, named bool) *serverAnswer {
	a := &serverAnswer{Answer: answer, question: q, notes: append([]string(nil), q.notes...),
		remedies: map[*memoryplan.Option][]memoryplan.FitRemedy{}}
	if answer.Smallest == nil && !named {
		a.cheapest = answer.CheapestRemedies(offers)
	}
	if named {
		for _, option := range answer.Options {
			if found := answer.FindRemedies(option); len(found) > 0 {
				a.remedies[option] = found
			}
		}
	}
	for _, profile := range q.profiles {
		a.notes = append(a.notes, answer.DescribeProfile(profile))
	}
	return a
}

// explainOption is an option's reason in full, in the words of the command line.
func explainOption(o *memoryplan.Option) string {
	text := o.Explain()
	if o.Undivided != nil {
		text += "; with more GPUs, " + inFlagWords(o.Undivided).Error()
	}
	return text
}
