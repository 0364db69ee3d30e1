// Package cdi hands what was prepared for a claim to its containers: it writes one CDI spec
// per claim, which the container runtime reads. No RuntimeClass is needed, and nothing of
// NVIDIA's container runtime.
//
//	driver root ──> FindHostFiles ──> HostFiles ─┐  once per version of the GPU driver
//	                                             ├─> ClaimSpec ──> Writer ──> /var/run/cdi
//	what prepare did ───────────────> Claim ─────┘  pure
//
//	claim.go      Claim, Device, MPSClient: what was prepared
//	spec.go       ClaimSpec: the device files, environment and mounts of each device
//	hostfiles.go  HostFiles: libraries, binaries, hooks and control devices, found by
//	              NVIDIA's container toolkit in the driver's root directory
//	hook.go       the program that the hooks run
//	writer.go     Writer: specs in a directory
//
// The container toolkit finds the libraries and makes the hooks, because it knows what each
// version of the GPU driver has; it works on any directory that looks like a driver's root,
// and adds two modules and 1 MB to a program. What is specific to a claim is made here: the
// toolkit would ask NVML for it again, which can hang, while the driver has it already.
//
// The hooks run the toolkit's nvidia-cdi-hook, which must be on the host. A node that has the
// toolkit has it; else it comes with the driver's image, to which it is added by
//
//	go install github.com/NVIDIA/nvidia-container-toolkit/cmd/nvidia-cdi-hook@v1.18.0
//
// and InstallHook puts it where the host finds it.
//
// Device files for graphics (/dev/dri) are not handed out.
package cdi
