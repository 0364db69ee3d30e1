package hardware

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// kindOf says which of this package's errors a code means.
func kindOf(ret nvml.Return) error {
	switch ret {
	case nvml.ERROR_IN_USE:
		return ErrInUse
	case nvml.ERROR_INSUFFICIENT_RESOURCES:
		return ErrNoRoom
	case nvml.ERROR_GPU_IS_LOST, nvml.ERROR_GPU_NOT_FOUND, nvml.ERROR_RESET_REQUIRED:
		return ErrGPULost
	case nvml.ERROR_TIMEOUT:
		return ErrHangs
	}
	return nil
}

// isAbsent reports whether the GPU or its driver does not have what was asked for.
func isAbsent(ret nvml.Return) bool {
	return ret == nvml.ERROR_NOT_SUPPORTED || ret == nvml.ERROR_FUNCTION_NOT_FOUND || ret == nvml.ERROR_INVALID_ARGUMENT ||
		ret == nvml.ERROR_ARGUMENT_VERSION_MISMATCH || ret == nvml.ERROR_NO_DATA
}

// isGone reports whether a handle is that of something destroyed meanwhile.
func isGone(ret nvml.Return) bool {
	return ret == nvml.ERROR_NOT_FOUND || ret == nvml.ERROR_INVALID_ARGUMENT
}

// hasSymbol reports whether the library has a function. Calling one that it lacks would
// end the process.
func (n *NVML) hasSymbol(name string) bool { return n.lib.Extensions().LookupSymbol(name) == nil }

// maxUUID is longer than any UUID that NVML gives, those of MIG devices of old drivers
// included ("MIG-GPU-<uuid>/<instance>/<compute instance>").
const maxUUID = 96

// CheckUUID refuses what is no UUID of a GPU or a MIG device. UUIDs become arguments of
// commands and names of files.
func CheckUUID(uuid string) error {
	if len(uuid) > maxUUID {
		return fmt.Errorf("%q and so on, of %d bytes, is no UUID of a GPU", uuid[:maxUUID], len(uuid))
	}
	rest, isGPU := strings.CutPrefix(uuid, "GPU-")
	allowed := "0123456789abcdefABCDEF-"
	if !isGPU {
		var isMIG bool
		if rest, isMIG = strings.CutPrefix(uuid, "MIG-"); !isMIG {
			return fmt.Errorf("%q is no UUID of a GPU: it starts with neither GPU- nor MIG-", uuid)
		}
		allowed += "/"
		rest = strings.TrimPrefix(rest, "GPU-")
	}
	if rest == "" || strings.Contains(rest, "//") {
		return fmt.Errorf("%q is no UUID of a GPU: want hexadecimal digits and dashes", uuid)
	}
	for _, char := range []byte(rest) {
		if strings.IndexByte(allowed, char) < 0 {
			return fmt.Errorf("%q is no UUID of a GPU: want hexadecimal digits and dashes", uuid)
		}
	}
	return nil
}

// checkGPU refuses what is no UUID of a whole GPU.
func checkGPU(uuid string) error {
	if err := CheckUUID(uuid); err != nil {
		return err
	}
	if strings.HasPrefix(uuid, "MIG-") {
		return fmt.Errorf("%s is a MIG device, not a GPU", uuid)
	}
	return nil
}
