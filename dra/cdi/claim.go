package cdi

import (
	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology"
)

// Claim is what was prepared for a claim.
type Claim struct {
	// Namespace and Name are for messages.
	UID, Namespace, Name string
	Devices              []Device
}

// Device is a device that was prepared for a request of a claim.
type Device struct {
	// Request is the allocation result's: "name" or "name/subrequest".
	Request string
	// ShareID tells allocations of one device apart; "" if there is only one.
	ShareID string
	dra.Device
	// Instance is the MIG instance, nil for other forms.
	Instance *hardware.Instance
	// MemoryLimit is what processes are to allocate at most; 0 means no limit.
	MemoryLimit topology.Bytes
	// MPS is how to reach the control daemon; nil without MPS.
	MPS *MPSClient
	// AdminAccess is for watching a device that others use: no limits, and no MPS.
	AdminAccess bool
}

// MPSClient is what a container needs to run under an MPS control daemon.
type MPSClient struct {
	// Pipes and Shm are the daemon's directories on the host. Containers have the former at the
	// same path, and the latter as /dev/shm.
	Pipes, Shm string
	// ActiveThreadPercentage is 1 to 100; 0 means the daemon's default.
	ActiveThreadPercentage int64
}
