package capture

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The commands whose output ParseMatrix and ParseQuery read.
const (
	topoCommand  = "nvidia-smi topo -m"
	queryCommand = "nvidia-smi -q"
)

// outputs are what people paste in place of the output that is asked for.
var outputs = []struct {
	command string
	sign    *regexp.Regexp
	remedy  string
}{
	{queryCommand, regexp.MustCompile(`=NVSMI LOG=`), "give it with --query"},
	{"nvidia-smi -q -x", regexp.MustCompile(`<nvidia_smi_log>|^<\?xml`), "capture without -x"},
	{"the summary of nvidia-smi", regexp.MustCompile(`^\|?\s*NVIDIA-SMI\s+[0-9]`), ""},
	{"nvidia-smi -L", regexp.MustCompile(`^GPU [0-9]+: .*\(UUID: `), ""},
	{"nvidia-smi --query-gpu, which has its fields alone", regexp.MustCompile(`^(?:index|name|gpu_name|uuid|gpu_uuid|count|pci\.|memory\.|` +
		`driver_version|compute_cap|timestamp)[a-z_. ]*(?:\[MiB\])?, `), ""},
	{"nvidia-smi mig -lgip", regexp.MustCompile(`^\|?\s*GPU instance profiles:`), "give it with --lgip"},
	{"nvidia-smi mig -lgipp", placementLine, "give it with --lgipp"},
}

// failures are what nvidia-smi and shells print in place of any output.
var failures = regexp.MustCompile(
	`NVIDIA-SMI has failed|Failed to initialize NVML|No devices were found|command not found|not recognized as an internal`)

// otherOutput says what a capture is that is not the output of the given command, and
// what to do; or that it may have lost its beginning. It continues a message.
func otherOutput(all []captureLine, want string) string {
	if i := slices.IndexFunc(all, func(l captureLine) bool { return failures.MatchString(l.text) }); i >= 0 {
		return fmt.Sprintf(", nvidia-smi failed on line %d (%s): capture where it works", all[i].number, strings.TrimSpace(all[i].text))
	}
	for _, output := range outputs {
		found := slices.ContainsFunc(all, func(l captureLine) bool { return output.sign.MatchString(strings.TrimSpace(l.text)) })
		if found && output.command != want {
			return ", this is " + output.command + ": " + joinRemedies(output.remedy, "capture "+want)
		}
	}
	if want != topoCommand && slices.ContainsFunc(all, isHeader) {
		return ", this is " + topoCommand + ": " + joinRemedies("give it with --topo", "capture "+want)
	}
	return ", paste the output of " + want + " from its first line on"
}

// joinRemedies joins what to do with the capture and what to capture in its place.
func joinRemedies(remedies ...string) string {
	remedies = slices.DeleteFunc(remedies, func(remedy string) bool { return remedy == "" })
	return strings.Join(remedies, ", and ")
}
