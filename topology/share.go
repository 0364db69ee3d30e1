package topology

// ShareStep is what shares of a GPU's memory are handed out in. The driver publishes it as
// their least amount and their step.
const ShareStep = MiB

// RoundShare is the share to ask for where so much memory is needed: the smallest that is
// handed out and holds it. The API rounds what is asked for in the same way.
func RoundShare(needed Bytes) Bytes {
	steps := max(1, (max(0, needed)+ShareStep-1)/ShareStep)
	return steps * ShareStep
}
