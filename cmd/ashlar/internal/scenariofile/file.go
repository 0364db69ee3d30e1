package scenariofile

import (
	"errors"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/assertion"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// MaxText bounds the text of a scenario, in bytes.
const MaxText = 4 << 20

// File is a scenario with where its fields are.
type File struct {
	*scenario.Scenario
	// Traced are jobs that take the place of the workloads, nil for none.
	Traced   *scenario.TracedJobs
	document *yamlfile.Document
}

// Build makes the input of a variant's run. Errors are as those of Decode.
func (f *File) Build(c *catalogue.Catalogue, v scenario.Variant, seed int64) (*simulator.Input, error) {
	changed := f.With(v)
	in, err := changed.BuildTraced(c, seed, f.Traced)
	if err != nil {
		return nil, locateFaults(f.document, nil, err)
	}
	return in, nil
}

// CheckAssertions returns an error with a line for each of the scenario's assertions that
// the runs do not hold.
func (f *File) CheckAssertions(runs []assertion.Run) error {
	return locateFaults(f.document, nil, errors.Join(assertion.FindFailures(f.Assertions, runs)...))
}

// Decode reads and checks a scenario. The error has everything that is wrong, each with
// file, line, column and field. JSON is YAML too.
func Decode(name string, text []byte) (*File, error) {
	var file scenario.File
	document, faults := yamlfile.Read(name, text, &file, yamlfile.Options{
		MaxBytes: MaxText, Empty: "see ashlar simulate list for scenarios to start from",
	})
	if document == nil {
		return nil, faults.Err()
	}
	if err := locateFaults(document, faults, errors.Join(file.Check(), assertion.Check(&file.Scenario))); err != nil {
		return nil, err
	}
	return &File{Scenario: &file.Scenario, document: document}, nil
}

// locateFaults turns the FieldErrors in err into faults of the file, and adds them to those
// that there are, unless they are about fields that could not be read anyway.
func locateFaults(document *yamlfile.Document, faults yamlfile.Faults, err error) error {
	unread := faults
	for _, problem := range splitJoined(err) {
		var field *scenario.FieldError
		if !errors.As(problem, &field) {
			faults = append(faults, document.Fault("", problem.Error()))
		} else if !unread.Concern(field.Path) {
			faults = append(faults, document.Fault(field.Path, field.Problem))
		}
	}
	return faults.Err()
}

// splitJoined are the errors that errors.Join made one of.
func splitJoined(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if err == nil {
			return nil
		}
		return []error{err}
	}
	var all []error
	for _, inner := range joined.Unwrap() {
		all = append(all, splitJoined(inner)...)
	}
	return all
}
