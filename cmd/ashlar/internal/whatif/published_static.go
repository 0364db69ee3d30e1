//go:build !cgo

package whatif

import (
	"errors"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// publishedSlices says where --add is to be had: what the driver would publish is asked of the driver's
// own code, which links C, and a static program has none.
func publishedSlices(*catalogue.Catalogue, string, *topology.MachineType) ([]*resourceapi.ResourceSlice, error) {
	return nil, errors.New("this program was built without C and cannot say what the driver would publish: " +
		"use one that `make build` makes in a checkout of https://github.com/ashlar-dev/ashlar")
}
