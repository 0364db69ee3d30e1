package configapi

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// The apiVersions that are understood.
const (
	APIVersion       = deviceapi.Driver + "/v1alpha1"
	NVIDIAAPIVersion = "resource.nvidia.com/v1beta1"
)

// maxParameters is how many bytes the API server takes as the parameters of one entry
// (k8s.io/api/resource/v1, OpaqueParametersMaxLength).
const maxParameters = 10 * 1024

// Decode reads the opaque parameters of one config entry, JSON. The error joins a *FieldError
// for each thing that is wrong.
func Decode(raw []byte) (Config, error) {
	if len(raw) > maxParameters {
		return Config{}, &FieldError{Problem: fmt.Sprintf("it has %d bytes, want at most %d", len(raw), maxParameters)}
	}
	var problems []error
	o := parseObject(raw, "", &problems)
	if len(problems) > 0 {
		return Config{}, errors.Join(problems...)
	}
	version, kind := o.takeText("apiVersion"), o.takeText("kind")
	read := readerOf(o, version, kind)
	if read == nil || len(problems) > 0 {
		return Config{}, errors.Join(problems...)
	}
	config := read(o)
	o.close()
	if len(problems) > 0 {
		return Config{}, errors.Join(problems...)
	}
	return config, nil
}

// readerOf finds what reads an apiVersion and kind, and reports it if nothing does.
func readerOf(o *object, version, kind string) func(*object) Config {
	var kinds map[string]func(*object) Config
	switch version {
	case APIVersion:
		kinds = map[string]func(*object) Config{"GpuConfig": readGPUConfig, "MigConfig": readMIGConfig, "ShareConfig": readShareConfig}
	case NVIDIAAPIVersion:
		kinds = map[string]func(*object) Config{"GpuConfig": readNVIDIAGPUConfig, "MigDeviceConfig": readNVIDIAMIGConfig}
		if reason, known := refusedKinds[kind]; known {
			o.report("kind", "%s of NVIDIA's driver %s", kind, reason)
			return nil
		}
	case "":
		if _, there := o.fields["apiVersion"]; !there {
			o.report("apiVersion", "it is missing, want %s or %s", APIVersion, NVIDIAAPIVersion)
		} else {
			o.report("apiVersion", "it is empty, want %s or %s", APIVersion, NVIDIAAPIVersion)
		}
		return nil
	default:
		o.report("apiVersion", "this driver does not know %q, want %s or %s: another version of the driver may know it",
			shortText(version), APIVersion, NVIDIAAPIVersion)
		return nil
	}
	read, known := kinds[kind]
	if !known {
		o.report("kind", "%s has no %q, want one of %s", version, shortText(kind), strings.Join(sortedNames(kinds), ", "))
		return nil
	}
	return read
}
