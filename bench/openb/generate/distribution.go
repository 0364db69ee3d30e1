package main

// defaultSeed is the committed trace's.
const defaultSeed = 1

// nodeKind is a number of equal nodes. CPU is in cores, memory in GiB. The names of GPU
// models are those of openb, so that whatever reads openb knows them.
type nodeKind struct {
	count, gpus, cpu, memory int64
	model                    string
}

// nodeKinds are 100 nodes with 524 GPUs: a third in nodes of eight with much CPU, the
// rest in smaller ones, some with little CPU for each GPU, where GPUs strand first.
var nodeKinds = []nodeKind{
	{count: 30, gpus: 4, cpu: 48, memory: 192, model: "T4"},
	{count: 16, gpus: 2, cpu: 32, memory: 128, model: "A10"},
	{count: 10, gpus: 2, cpu: 20, memory: 160, model: "P100"},
	{count: 20, gpus: 8, cpu: 80, memory: 512, model: "V100M32"},
	{count: 24, gpus: 8, cpu: 112, memory: 640, model: "G2"},
}

// podKind is a kind of pod. A value is drawn from each list, all of a list being equally
// likely, so that one that is there twice comes twice as often.
type podKind struct {
	weight int64
	gpus   int64
	// milli is in thousandths of each GPU.
	milli []int64
	// cpu is in cores for each whole GPU, or for the pod if it shares one or has none;
	// memory in GiB for each of those.
	cpu, memory []int64
	qos         string
	// models is what the pods that name models name.
	models []string
	// quantiles are of the run time in seconds, at 0, 50, 90 and 100 percent; between them
	// it is linear.
	quantiles [4]int64
}

var (
	wholeGPU     = []int64{1000}
	dayOfWork    = [4]int64{120, 3600, 28800, 172800}
	weekOfServer = [4]int64{3600, 86400, 432000, 604800}
)

// podKinds is the mix of pod lists: weights are of the list "default".
var podKinds = []podKind{
	// notebooks and small servers: parts of a GPU in tenths and odd parts
	{weight: 26, gpus: 1, milli: []int64{100, 150, 200, 200, 250, 300, 400, 500}, cpu: []int64{1, 2, 2}, memory: []int64{2, 4},
		qos: "LS", models: []string{"T4", "T4|A10"}, quantiles: weekOfServer},
	// model servers: most of a GPU
	{weight: 22, gpus: 1, milli: []int64{450, 500, 600, 650, 700, 800, 850, 900}, cpu: []int64{2, 4, 6, 8}, memory: []int64{4, 8},
		qos: "LS", models: []string{"A10", "V100M32|G2"}, quantiles: weekOfServer},
	// training on one GPU
	{weight: 28, gpus: 1, milli: wholeGPU, cpu: []int64{4, 8, 8, 11, 14}, memory: []int64{4, 8},
		qos: "BE", models: []string{"P100|V100M32", "V100M32", "T4"}, quantiles: dayOfWork},
	// training on several GPUs of a node
	{weight: 3, gpus: 2, milli: wholeGPU, cpu: []int64{6, 8, 12}, memory: []int64{4, 8},
		qos: "BE", models: []string{"V100M32", "G2"}, quantiles: dayOfWork},
	{weight: 2, gpus: 4, milli: wholeGPU, cpu: []int64{6, 8, 10}, memory: []int64{4, 8},
		qos: "BE", models: []string{"V100M32", "G2"}, quantiles: dayOfWork},
	{weight: 1, gpus: 8, milli: wholeGPU, cpu: []int64{6, 8, 10}, memory: []int64{4, 8},
		qos: "Guaranteed", models: []string{"V100M32", "G2"}, quantiles: dayOfWork},
	// pods without GPUs: preprocessing, load balancers
	{weight: 18, cpu: []int64{1, 2, 4, 8}, memory: []int64{2, 4, 8}, qos: "Burstable", quantiles: dayOfWork},
}

// podList is one pod list: the mix with some weights multiplied.
type podList struct {
	name string
	// shares, singles and multiples multiply the weights of pods that share a GPU, take
	// one, or take several.
	shares, singles, multiples int64
	// namesModels is in how many of a hundred pods with GPUs models are named.
	namesModels int64
}

// podLists are named after the lists of openb that they are like.
var podLists = []podList{
	{name: "default", shares: 1, singles: 1, multiples: 1},
	{name: "gpushare100", shares: 1},
	{name: "gpuspec25", shares: 1, singles: 1, multiples: 1, namesModels: 25},
	{name: "multigpu40", shares: 1, singles: 1, multiples: 4},
}

// podsPerList is how many pods a list has. An experiment adds copies of them until they
// ask for 130 % of the GPUs.
const podsPerList = 800

const (
	// windowSeconds is in what time the pods arrive, at uniformly drawn times.
	windowSeconds = 10 * 86400
	// Of a hundred pods, waitingPercent wait for up to maxWaitSeconds, and
	// neverPercent are deleted without ever having run.
	waitingPercent = 30
	maxWaitSeconds = 1800
	neverPercent   = 2
)
