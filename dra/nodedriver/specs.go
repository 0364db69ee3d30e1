package nodedriver

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/cdi"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/dra/mps"
	"github.com/ashlar-dev/ashlar/dra/prepare"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// claimSpecs writes the CDI specs of claims from their records.
type claimSpecs struct {
	writer *cdi.Writer
	// paths are where clients find the MPS control daemon of a GPU or instance.
	paths func(uuid string) mps.Paths
}

var _ prepare.SpecWriter = claimSpecs{}

// WriteSpec implements prepare.SpecWriter.
func (s claimSpecs) WriteSpec(ctx context.Context, claim checkpoint.Claim) ([][]string, error) {
	ids, err := s.writer.Write(ctx, s.describeClaim(claim))
	if err != nil {
		return nil, err
	}
	byDevice := make([][]string, len(ids))
	for i, id := range ids {
		byDevice[i] = []string{id}
	}
	return byDevice, nil
}

// RemoveSpec implements prepare.SpecWriter.
func (s claimSpecs) RemoveSpec(_ context.Context, uid types.UID) error {
	return s.writer.Remove(string(uid))
}

// SpecClaims implements prepare.SpecWriter.
func (s claimSpecs) SpecClaims(context.Context) ([]types.UID, error) {
	names, err := s.writer.List()
	uids := make([]types.UID, len(names))
	for i, name := range names {
		uids[i] = types.UID(name)
	}
	return uids, err
}

func (s claimSpecs) describeClaim(claim checkpoint.Claim) cdi.Claim {
	described := cdi.Claim{UID: string(claim.UID), Namespace: claim.Namespace, Name: claim.Name}
	for i := range claim.Devices {
		described.Devices = append(described.Devices, s.describeDevice(&claim.Devices[i]))
	}
	return described
}

func (s claimSpecs) describeDevice(record *checkpoint.Device) cdi.Device {
	device := cdi.Device{
		Request: record.Request, ShareID: record.ShareID, AdminAccess: record.Admin, Device: deviceOf(record),
	}
	served := record.GPU
	if instance := record.Instance; instance != nil {
		served = instance.UUID
		device.Instance = &hardware.Instance{
			GPU: record.GPU, ID: instance.ID, ComputeID: instance.ComputeID, UUID: instance.UUID,
			Minor: instance.Minor, ComputeMinor: instance.ComputeMinor, Profile: record.ProfileID, Placement: record.Placement(),
		}
	}
	if record.Form == dra.FormShare {
		device.MemoryLimit = record.Bytes
	}
	if limits := record.MPS; limits != nil && !record.Admin {
		paths := s.paths(served)
		device.MPS = &cdi.MPSClient{Pipes: paths.Pipes, Shm: paths.Shm, ActiveThreadPercentage: int64(limits.ActiveThreads)}
		if limits.PinnedBytes > 0 {
			device.MemoryLimit = limits.PinnedBytes
		}
	}
	return device
}

// deviceOf is the device of a record.
func deviceOf(record *checkpoint.Device) dra.Device {
	device := dra.Device{
		Form: record.Form, Placement: record.Placement(), Memory: record.Bytes,
		GPU: dra.GPUIdentity{UUID: record.GPU, BusID: record.BusID, Index: record.Index, Minor: record.Minor},
	}
	if record.Form == dra.FormMIG {
		device.Profile = &mig.Profile{ID: record.ProfileID, Name: record.Profile}
	}
	return device
}
