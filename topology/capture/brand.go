package capture

import "strings"

// brands maps nvidia-smi's words, in lower case, to the names that NVIDIA's tools give
// to NVML's BrandType (github.com/NVIDIA/go-nvml, const.go), as the catalogue and the
// driver have them. Words of virtual GPUs have changed with the names of their licences.
var brands = map[string]string{
	"unknown": "Unknown",
	"quadro":  "Quadro", "tesla": "Tesla", "nvs": "NVS", "grid": "Grid", "geforce": "GeForce", "titan": "Titan",
	"quadro rtx": "QuadroRTX", "nvidia rtx": "NvidiaRTX", "nvidia": "Nvidia", "geforce rtx": "GeForceRTX", "titan rtx": "TitanRTX",

	"nvidia virtual applications": "NvidiaVApps", "nvidia vapps": "NvidiaVApps", "grid virtual applications": "NvidiaVApps",
	"nvidia virtual pc": "NvidiaVPC", "nvidia vpc": "NvidiaVPC", "grid virtual pc": "NvidiaVPC",
	"nvidia virtual compute server": "NvidiaVCS", "nvidia vcs": "NvidiaVCS", "nvidia vgpu for compute": "NvidiaVCS",
	"nvidia rtx virtual workstation": "NvidiaVWS", "nvidia virtual workstation": "NvidiaVWS", "nvidia vws": "NvidiaVWS",
	"nvidia rtx vws": "NvidiaVWS", "quadro virtual data center workstation": "NvidiaVWS", "quadro vdws": "NvidiaVWS",
	"nvidia quadro vdws":  "NvidiaVWS",
	"nvidia cloud gaming": "NvidiaCloudGaming", "nvidia vgaming": "NvidiaCloudGaming", "nvidia virtual gaming": "NvidiaCloudGaming",

	"nvidia dla": "NvidiaDLA", "nvidia vgamedev": "NvidiaVGameDev", "nvidia npu": "NvidiaNPU",
}

// brandName finds the name of a brand that nvidia-smi printed, whatever its case.
func brandName(printed string) (string, bool) {
	name, found := brands[strings.ToLower(strings.Join(strings.Fields(printed), " "))]
	return name, found
}
