// Package capture reads what nvidia-smi prints on a machine and writes it in the
// catalogue's text form, so that a machine can be used without owning one.
//
//	nvidia-smi topo -m     ──> ParseMatrix      links, NUMA nodes, NICs
//	nvidia-smi -q          ──> ParseQuery       product, memory, bus ids, fabric
//	nvidia-smi mig -lgip   ──> ParseProfiles    MIG profiles
//	nvidia-smi mig -lgipp  ──> ParsePlacements  where they may lie
//	                             │
//	                             └─ Machine ──> Captured: a machine type and its files
//
// Captures are pasted by people: terminal escapes, prompts before and text after
// the table, tabs turned to spaces and lost indentation are expected. What is cut
// off or contradicts itself is refused, and what a capture does not show is left
// unknown or asked for, never guessed. Errors read "file:line: what, what to do".
//
// The package reads no files: callers pass text in and write Captured.Files.
package capture
