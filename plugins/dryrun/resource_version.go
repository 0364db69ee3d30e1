package dryrun

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
)

const resourceGroup = "resource.k8s.io"

// formerResourceKinds are kinds of the resource API that are gone, and what is written instead.
var formerResourceKinds = map[string]string{
	"ResourceClass":           "a DeviceClass of resource.k8s.io/v1, with spec.selectors",
	"ResourceClassParameters": "a DeviceClass of resource.k8s.io/v1, with spec.config",
	"ResourceClaimParameters": "the claim's own spec.devices in resource.k8s.io/v1, with selectors and config",
	"PodSchedulingContext":    "nothing instead: the scheduler chooses devices by itself",
}

// resourceVersionProblem says of an object of the resource API in a version that is not read what to
// write instead; nil for kinds that were never there.
func resourceVersionProblem(object *podspec.Object) error {
	if instead := formerResourceKinds[object.Kind]; instead != "" {
		return fmt.Errorf("%s: %s of %s is no longer served: write %s", object.Where(), object.Kind, object.APIVersion, instead)
	}
	if versionToday(resourceGroup, object.Kind).Empty() {
		return nil
	}
	advice := "write apiVersion: resource.k8s.io/v1"
	if object.Kind == claimKind || object.Kind == templateKind {
		advice += ", and " + requestAdvice(object)
	}
	return fmt.Errorf("%s: %s is not served for %s any more: %s", object.Where(), object.APIVersion, object.Kind, advice)
}

// flatField matches what is said of a field of a request that belongs under exactly.
var flatField = regexp.MustCompile(`unknown field "spec\.(?:spec\.)?devices\.requests\[\d+\]\.` +
	`(deviceClassName|allocationMode|count|selectors|adminAccess|tolerations|capacity)"`)

// formerSource matches what is said of a pod's claim in the form of Kubernetes 1.30 and before.
var formerSource = regexp.MustCompile(`unknown field "[^"]*resourceClaims\[\d+\]\.source"`)

// explainDecoding adds to the error of an object what to write, where that is known.
func explainDecoding(object *podspec.Object, err error) error {
	if formerSource.MatchString(err.Error()) {
		return fmt.Errorf("%w: write resourceClaimName or resourceClaimTemplateName beside the claim's name, without source", err)
	}
	claims := object.Kind == claimKind || object.Kind == templateKind
	if !claims || !flatField.MatchString(err.Error()) {
		return err
	}
	return fmt.Errorf("%w: in resource.k8s.io/v1, %s", err, requestAdvice(object))
}

// requestAdvice says how the object's first request is written today.
func requestAdvice(object *podspec.Object) string {
	const advice = "put the fields of each request but its name under exactly"
	text, err := object.AsJSON()
	if err != nil {
		return advice
	}
	type deviceClaim struct {
		Devices struct {
			Requests []map[string]any `json:"requests"`
		} `json:"devices"`
		ResourceClassName string `json:"resourceClassName"`
	}
	var claim struct {
		Spec struct {
			deviceClaim
			Spec deviceClaim `json:"spec"`
		} `json:"spec"`
	}
	if json.Unmarshal(text, &claim) != nil {
		return advice
	}
	if class := cmp.Or(claim.Spec.ResourceClassName, claim.Spec.Spec.ResourceClassName); class != "" {
		return fmt.Sprintf("in place of resourceClassName: devices: {requests: [{name: gpu, exactly: {deviceClassName: %s}}]}", class)
	}
	for _, request := range slices.Concat(claim.Spec.Devices.Requests, claim.Spec.Spec.Devices.Requests) {
		name, exactly := request["name"], map[string]any{}
		for field, value := range request {
			if field != "name" {
				exactly[field] = value
			}
		}
		example, err := json.Marshal(exactly)
		if err == nil && name != nil && len(example) < 300 && exactly["exactly"] == nil && exactly["firstAvailable"] == nil {
			return fmt.Sprintf("%s: {name: %v, exactly: %s}", advice, name, example)
		}
	}
	return advice
}
