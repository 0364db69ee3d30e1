package scenario

import "errors"

// What a file with a scenario says that it is.
const (
	APIVersion = "ashlar.dev/v1alpha1"
	FileKind   = "Scenario"
)

// File is a scenario as a file has it.
type File struct {
	// APIVersion is ashlar.dev/v1alpha1. It and Kind may be left out together.
	APIVersion string `json:"apiVersion"`
	// Kind is Scenario.
	Kind string `json:"kind"`
	Scenario
}

// Check returns everything about the file that cannot be: FieldErrors, joined. A file that
// says neither version nor kind is of the only version that there is.
func (f *File) Check() error {
	if f.APIVersion == "" && f.Kind == "" {
		return f.Scenario.Check()
	}
	return errors.Join(checkConstant("apiVersion", f.APIVersion, APIVersion), checkConstant("kind", f.Kind, FileKind), f.Scenario.Check())
}

func checkConstant(field, given, want string) error {
	switch given {
	case want:
		return nil
	case "":
		return fieldErrorf(field, "is missing: add the line %s: %s", field, want)
	}
	return fieldErrorf(field, "%q, want %s", given, want)
}
