package gpuchain

import "unicode/utf8"

// Link is one link of the chain, in words.
type Link string

// The links, in the order of the chain.
const (
	LinkNode         Link = "node"
	LinkNFD          Link = "node feature discovery"
	LinkOperator     Link = "GPU Operator"
	LinkDriver       Link = "driver"
	LinkToolkit      Link = "container toolkit"
	LinkMIGManager   Link = "MIG manager"
	LinkDevicePlugin Link = "device plugin"
	LinkDRADriver    Link = "DRA driver"
	LinkGFD          Link = "GPU feature discovery"
	LinkSlices       Link = "ResourceSlices"
	LinkTaints       Link = "taints"
	LinkValidator    Link = "validator"
	LinkDeviceClass  Link = "DeviceClass"
)

var linkOrder = []Link{
	LinkNode, LinkNFD, LinkOperator, LinkDriver, LinkToolkit, LinkMIGManager, LinkDevicePlugin, LinkDRADriver, LinkGFD,
	LinkSlices, LinkTaints, LinkValidator, LinkDeviceClass,
}

// Finding is a broken link.
type Finding struct {
	// Link is the link, the first of the candidates if the evidence does not decide.
	Link Link
	// Nodes are the names of the nodes that it is broken on, sorted.
	Nodes []string
	// Cause is one sentence without a full stop, with the number of nodes.
	Cause string
	// Command shows the link's state, in one line for a shell.
	Command string
}

// longestText is how many bytes a finding has in words: what a pod's status has room for
// beside other reasons.
const longestText = 400

// String is the cause and the command in at most 400 bytes. The command stays whole.
func (f Finding) String() string {
	if f.Command == "" {
		return cutText(f.Cause, longestText)
	}
	return cutText(f.Cause, longestText-2-len(f.Command)) + ": " + f.Command
}

// cutText shortens text to at most limit bytes, and shows that it did.
func cutText(text string, limit int) string {
	const mark = "..."
	if len(text) <= limit {
		return text
	}
	end := max(0, limit-len(mark))
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}
