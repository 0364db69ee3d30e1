package simulator

import "github.com/ashlar-dev/ashlar/topology/placement"

// migLayout is how a GPU is sliced at present. Instances stay when their holder leaves,
// because the next one may want the same.
type migLayout []placement.Device

// takeDevice makes room for a device and reports whether the GPU had to be sliced anew: an
// instance that is not there yet is created, those that overlap it are destroyed; a
// whole GPU or a share wants none.
func (l *migLayout) takeDevice(device *placement.Device) bool {
	if device.Form != placement.MIG {
		anew := len(*l) > 0
		*l = nil
		return anew
	}
	kept := (*l)[:0]
	wanted := device.Placement.Slices()
	for _, instance := range *l {
		if instance.Profile == device.Profile && instance.Placement == device.Placement {
			return false
		}
		if instance.Placement.Slices()&wanted == 0 {
			kept = append(kept, instance)
		}
	}
	*l = append(kept, *device)
	return true
}
