package placement

// Obstacle is why one GPU cannot serve a part, stable for machines to read.
type Obstacle string

// The obstacles.
const (
	NoObstacle   Obstacle = ""             // the GPU can serve the part
	NotAccepted  Obstacle = "NotAccepted"  // the part accepts nothing of this GPU
	HeldWhole    Obstacle = "HeldWhole"    // somebody has all of it
	HeldInSlices Obstacle = "HeldInSlices" // MIG instances are in the way
	HeldInShares Obstacle = "HeldInShares" // shares are in the way
)

// GPUDiagnosis says of one GPU why it cannot serve a part by itself.
type GPUDiagnosis struct {
	GPU      int
	Obstacle Obstacle
	// Open is the number of accepted devices that fit.
	Open int64
	// LeftMiB is what nobody holds of the GPU.
	LeftMiB int64
}

// DiagnoseGPUs looks at every GPU of a node. It does not consider what other parts take
// or what must be alike.
func DiagnoseGPUs(inv *Inventory, s GPUStates, part *Part) []GPUDiagnosis {
	view := View{Inventory: inv, GPUs: s, Free: s.FreeGPUs()}
	diagnoses := make([]GPUDiagnosis, len(s))
	accepted := make([]bool, len(s))
	for i := part.Accepts.nextDevice(0); i >= 0; i = part.Accepts.nextDevice(i + 1) {
		gpu := inv.Devices[i].GPU
		accepted[gpu] = true
		if inv.DeviceFits(s, i, part.shareSize()) {
			diagnoses[gpu].Open++
		}
	}
	for gpu := range diagnoses {
		d := &diagnoses[gpu]
		d.GPU, d.LeftMiB = gpu, view.GPULeftover(gpu)
		switch {
		case d.Open > 0:
		case !accepted[gpu]:
			d.Obstacle = NotAccepted
		case s[gpu].Whole:
			d.Obstacle = HeldWhole
		case s[gpu].MIG.Slices != 0:
			d.Obstacle = HeldInSlices
		case s[gpu].Sharers > 0:
			d.Obstacle = HeldInShares
		default:
			d.Obstacle = NotAccepted // free, and yet too small for the part's share
		}
	}
	return diagnoses
}
