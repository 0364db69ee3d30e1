// Package hardware is what the driver reads and changes of GPUs, as two small interfaces
// over NVML: Reader and Writer, with EventSource beside them. Everything that prepares
// claims or watches health depends on these alone.
//
//	nvml.Interface ─> Open ─> NVML ─> watchdog: one call at a time per GPU, given up after its time
//	(real or                  │
//	 simulated)               └─> Reader, Writer, EventSource
//
//	hardware.go   the interfaces, their values and errors
//	nvml.go       Open, NVML: one session; gpus.go how GPUs are found
//	watchdog.go   calls that hang
//	codes.go      NVML's codes as errors; what a UUID is
//	mode.go       MIG mode, compute mode, time slices, processes
//	instances.go  the MIG instances that exist; create.go creating and destroying them
//	minors.go     minor numbers of MIG's capability files
//	condition.go  health at present; events.go what is reported; probe.go GPUs that are gone
//	process.go    running nvidia-smi
//
// Package contract has tests of what NVML promises, for the simulated one and for real GPUs.
package hardware
