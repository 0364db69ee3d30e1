// Package hardware is what the driver reads and changes of GPUs, as two small interfaces
// over NVML: Reader and Writer, with EventSource beside them. Everything that prepares
// claims or watches health depends on these alone.
//
//	hardware.go  the interfaces, their values and errors
package hardware
