package dryrun

import (
	"encoding/json"
	"fmt"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
)

// What NVIDIA's driver makes of a ComputeDomain, in its version 0.4 and those since.
const (
	computeDomainGroup  = "resource.nvidia.com"
	computeDomainDriver = "compute-domain.nvidia.com"
	channelClass        = "compute-domain-default-channel.nvidia.com"
	channelRequest      = "channel"
)

// readComputeDomain adds the ResourceClaimTemplate that the controller of a ComputeDomain makes, by
// which pods get a channel of it.
func (m *AppliedManifest) readComputeDomain(object *podspec.Object) error {
	if object.Kind != "ComputeDomain" {
		return nil
	}
	text, err := object.AsJSON()
	if err != nil {
		return fmt.Errorf("%s: %w", object.Where(), err)
	}
	var domain struct {
		Spec struct {
			Channel struct {
				ResourceClaimTemplate struct {
					Name string `json:"name"`
				} `json:"resourceClaimTemplate"`
				AllocationMode string `json:"allocationMode"`
			} `json:"channel"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(text, &domain); err != nil {
		return fmt.Errorf("%s: %w", object.Where(), err)
	}
	name := domain.Spec.Channel.ResourceClaimTemplate.Name
	if name == "" {
		return fmt.Errorf("%s: spec.channel.resourceClaimTemplate.name: want the name of the template that pods get a channel by", object.Where())
	}
	config := map[string]any{
		"apiVersion": object.APIVersion, "kind": "ComputeDomainChannelConfig", "domainID": "dryrun-" + object.Name,
	}
	if mode := domain.Spec.Channel.AllocationMode; mode != "" {
		config["allocationMode"] = mode
	}
	parameters, err := json.Marshal(config)
	if err != nil {
		return fmt.Errorf("%s: %w", object.Where(), err)
	}
	template := &resourceapi.ResourceClaimTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: object.Namespace, Name: name}}
	template.Spec.Spec.Devices = resourceapi.DeviceClaim{
		Requests: []resourceapi.DeviceRequest{{Name: channelRequest, Exactly: &resourceapi.ExactDeviceRequest{DeviceClassName: channelClass}}},
		Config: []resourceapi.DeviceClaimConfiguration{{
			Requests: []string{channelRequest},
			DeviceConfiguration: resourceapi.DeviceConfiguration{Opaque: &resourceapi.OpaqueDeviceConfiguration{
				Driver: computeDomainDriver, Parameters: runtime.RawExtension{Raw: parameters},
			}},
		}},
	}
	objectScheme.Default(template)
	m.Templates = append(m.Templates, template)
	return nil
}
