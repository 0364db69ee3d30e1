// Package capture reads what nvidia-smi prints on a machine and writes it in the
// catalogue's text form, so that a machine can be used without owning one.
//
//	nvidia-smi topo -m     ──> ParseMatrix      links, NUMA nodes, NICs
//	nvidia-smi -q          ──> ParseQuery       product, memory, bus ids, fabric; also of the short table
//	nvidia-smi mig -lgip   ──> ParseProfiles    MIG profiles
//	nvidia-smi mig -lgipp  ──> ParsePlacements  where they may lie
//	                             │
//	                             └─ Machine ──> Captured: a machine type and its files
//
// Captures are pasted by people: terminal escapes, quotations, prompts before and text
// after the table, tabs turned to spaces, entries that ran together and lost indentation
// are expected, and so is what drivers since 361 print. What is cut off, can be read in
// two ways or contradicts itself is refused, and what a capture does not show is left
// unknown or asked for, never guessed. Errors read "file:line: what, what to do".
//
//	text.go       lines without what terminals, logs and mail add
//	other.go      what was pasted in place of the output that is asked for
//	matrix.go     the link table; columns.go its first row, cells.go the links in a row
//	query.go      the blocks of GPUs; block.go the fields of one; summary.go the short table
//	profiles.go   MIG profiles and placements; table.go makes a MIG table of them
//	identify.go   which model of the catalogue a GPU is; brand.go NVML's brands
//	model.go      a model that the catalogue lacks
//	nvlink.go     links that contradict what the GPUs have
//	machine.go    everything together; write.go the catalogue's text form
//
// The package reads no files: callers pass text in and write Captured.Files.
package capture
