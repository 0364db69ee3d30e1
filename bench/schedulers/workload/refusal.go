package workload

import resourceapi "k8s.io/api/resource/v1"

// Refusal is a form of pods that fit on no node.
type Refusal struct {
	Form
	// Explained is in the explanation that Ashlar adds to what the nodes say.
	Explained string
}

// Refusals are the ways in which a pod fits nowhere.
var Refusals = []Refusal{
	{
		Form:      Form{Name: "too-many", request: func() resourceapi.DeviceRequest { return wholeGPUs(2*GPUs, "40Gi") }},
		Explained: "16 GPUs",
	},
	{
		Form:      Form{Name: "too-large", request: func() resourceapi.DeviceRequest { return wholeGPUs(1, "400Gi") }},
		Explained: "memory here",
	},
}
