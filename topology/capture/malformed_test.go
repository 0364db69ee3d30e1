package capture_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/capture"
)

// wantError checks that an error names its place and says what is wanted.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestMalformedMatrix(t *testing.T) {
	wide := "GPU0"
	for i := range 16 {
		wide += fmt.Sprintf(" GPU%d", i+1)
	}
	nics := "GPU0"
	for i := range 300 {
		nics += fmt.Sprintf(" NIC%d", i)
	}
	tests := map[string]struct{ text, want string }{
		"nothing":                        {"", "topo.txt:1: is empty"},
		"blank":                          {" \n\t\n", "topo.txt:1: is empty"},
		"too large":                      {strings.Repeat("x", capture.MaxText+1), "topo.txt:1: 1048577 bytes, at most 1048576"},
		"binary":                         {"GPU0\x00", "topo.txt:1: is not UTF-8 text"},
		"UTF-16":                         {"\xff\xfeG\x00P\x00", "topo.txt:1: is UTF-16, save it as UTF-8"},
		"no table":                       {"command not found\n", "topo.txt:1: no row of column names"},
		"only rows":                      {"GPU0 X PIX\nGPU1 PIX X\n", "topo.txt:1: no row of column names"},
		"no rows":                        {"GPU0 GPU1\n", "topo.txt:1: the row of GPU0 is missing"},
		"cut off":                        {"GPU0 GPU1\nGPU0 X PIX\n", "topo.txt:2: the row of GPU1 is missing"},
		"cut off before the NIC":         {"GPU0 NIC0\nGPU0 X PIX\n\nLegend:\n", "topo.txt:4: the row of NIC0 is missing"},
		"ragged":                         {"GPU0 GPU1\nGPU0 X\nGPU1 PIX X\n", "topo.txt:2: GPU0 has 1 entries for 2 columns"},
		"too few links":                  {"GPU0 GPU1 GPU2\nGPU0 X NODE\n", "topo.txt:2: GPU0 has 2 entries for 3 columns, the row is cut off"},
		"too few links before the CPUs":  {"GPU0 GPU1 CPU Affinity\nGPU0 X 0-7\n", "topo.txt:2: GPU0 has 1 entries for 2 columns"},
		"a link and a word ran together": {"GPU0 GPU1 GPU2\nGPU0 X NODEPX\n", `topo.txt:2: GPU0 to GPU2 is "PX", what is left of "NODEPX"`},
		"more links than columns ran together": {"GPU0 GPU1\nGPU0 X NODENODESYS\n",
			`topo.txt:2: GPU0 has 1 entries after its links for 0 columns, and "NODESYS" is another link`},
		"NVLinks and CPUs ran together": {"GPU0 GPU1 CPU Affinity\nGPU0 X NV180-47,96-143\n",
			`topo.txt:2: GPU0 to GPU1 and what follows ran together as "NV180-47,96-143"`},
		"NVLinks and a list of CPUs ran together": {"GPU0 GPU1 CPU Affinity\nGPU0 X NV40,2-7\n",
			`topo.txt:2: GPU0 to GPU1 and what follows ran together as "NV40,2-7", and which digits are NVLinks cannot be told`},
		"a link and a word after the links": {
			"GPU0 GPU1 CPU Affinity\nGPU0 X PIXall\n", `topo.txt:2: GPU0 to GPU1 ran together with "all" in "PIXall"`},
		"X in a run off the diagonal":      {"GPU0 GPU1 NIC0\nGPU0 X XPIX\n", "topo.txt:2: GPU0 to GPU1 is X"},
		"NVLinks ran together with a word": {"GPU0 GPU1 NIC0\nGPU0 X NV4NV128\n", `topo.txt:2: GPU0 to NIC0: link "NV128": want NV1 to NV64`},
		"no driver": {"Failed to initialize NVML: Driver/library version mismatch\n", "topo.txt:1: no row of column names GPU0 GPU1 ..., " +
			"nvidia-smi failed on line 1 (Failed to initialize NVML: Driver/library version mismatch): capture where it works"},
		"N/A for a link":       {"GPU0 GPU1 GPU2\nGPU0 X N/A SYS\n", `topo.txt:2: GPU0 to GPU1: unknown link "N/A"`},
		"X too often in a run": {"GPU0 GPU1 GPU2\nGPU0 X NV2X SYS\n", "topo.txt:2: GPU0 to GPU2 is X, want X on the diagonal"},
		"peer-to-peer status": {
			"GPU0 GPU1\nGPU0 X GNS\nGPU1 GNS X\n", "topo.txt:2: GPU0 to GPU1 is GNS, which nvidia-smi topo -p2p prints"},
		"columns ran together, one missing": {"GPU0GPU2\nGPU0 X PIX\n", "topo.txt:1: column GPU2, want GPU0, GPU1"},
		"affinity columns twice":            {"GPU0 CPU AffinityCPU Affinity\nGPU0 X 0-7\n", `topo.txt:1: unknown columns "CPU Affinity"`},
		"the query": {"==============NVSMI LOG==============\nGPU 00000000:18:00.0\n",
			"topo.txt:1: no row of column names GPU0 GPU1 ..., this is nvidia-smi -q: give it with --query, and capture nvidia-smi topo -m"},
		"the summary":      {"| NVIDIA-SMI 570.86 |\n", "this is the summary of nvidia-smi: capture nvidia-smi topo -m"},
		"too long":         {"GPU0 GPU1\nGPU0 X PIX PIX\n", "topo.txt:2: GPU0 has 1 entries after its links for 0 columns"},
		"NIC row too long": {"GPU0 NIC0\nGPU0 X PIX\nNIC0 PIX X 0-7\n", "topo.txt:3: NIC0 has 3 entries for 2 columns"},
		"wrapped": {"GPU0 GPU1 CPU Affinity\nGPU0 X PIX\n0-7\nGPU1 PIX X 0-7\n",
			`topo.txt:3: row "0-7" has no column, and 1 of 2 rows are missing: a long line may be wrapped`},
		"unknown link":         {"GPU0 GPU1\nGPU0 X PX\n", `topo.txt:2: GPU0 to GPU1: unknown link "PX"`},
		"NVLink without lanes": {"GPU0 GPU1\nGPU0 X NV\n", `topo.txt:2: GPU0 to GPU1: link "NV"`},
		"too many lanes":       {"GPU0 GPU1\nGPU0 X NV999\n", `topo.txt:2: GPU0 to GPU1: link "NV999"`},
		"no X on the diagonal": {"GPU0 GPU1\nGPU0 X PIX\nGPU1 PIX PIX\n", "topo.txt:3: GPU1 to GPU1 is PIX, want X on the diagonal"},
		"X off the diagonal":   {"GPU0 GPU1\nGPU0 X X\n", "topo.txt:2: GPU0 to GPU1 is X"},
		"NVLink to a NIC":      {"GPU0 NIC0\nGPU0 X NV4\n", "topo.txt:2: GPU0 to NIC0 is NV4, a NIC has no NVLink"},
		"row twice":            {"GPU0 GPU1\nGPU0 X PIX\nGPU0 X PIX\n", "topo.txt:3: GPU0 has a row on line 2 already"},
		"two captures":         {"GPU0\nGPU0 X\nGPU0\nGPU0 X\n", "topo.txt:3: GPU0 has a row on line 2 already"},
		"GPU left out":         {"GPU0 GPU2\nGPU0 X PIX\n", "topo.txt:1: column GPU2, want GPU0, GPU1 ... in order"},
		"column twice":         {"GPU0 NIC0 NIC0\n", `topo.txt:1: column "NIC0" twice`},
		"column is no name":    {"GPU0 %%\n", `topo.txt:1: column "%%" twice or not a name`},
		"17 GPUs":              {wide + "\n", "topo.txt:1: 17 GPUs, at most 16 are supported"},
		"300 NICs":             {nics + "\n", "topo.txt:1: 301 columns, at most 256 are read"},
		"unknown column":       {"GPU0 CPU Affinity Mood\nGPU0 X 0-7 fine\n", `topo.txt:1: unknown columns "Mood"`},
		"NUMA is a word":       {"GPU0 NUMA Affinity\nGPU0 X zero\n", `topo.txt:2: GPU0 NUMA Affinity is "zero"`},
		"NUMA too large": {"GPU0 NUMA Affinity\nGPU0 X 4096\n",
			`topo.txt:2: GPU0 NUMA Affinity is "4096", want a whole number from 0 to 1023`},
		"NUMA backwards":       {"GPU0 NUMA Affinity\nGPU0 X 3-1\n", "runs backwards"},
		"legend of nothing":    {"GPU0\nGPU0 X\nNIC Legend:\n NIC0: mlx5_0\n", "topo.txt:4: NIC0 is not in the table"},
		"legend twice":         {"GPU0 NIC0\nGPU0 X PIX\nNIC0 PIX X\n NIC0: a\n NIC0: b\n", "topo.txt:5: NIC0 is a already"},
		"NIC named like a GPU": {"GPU0 NIC0\nGPU0 X PIX\nNIC0 PIX X\n NIC0: GPU7\n", `topo.txt:4: NIC0 is "GPU7", want a name like mlx5_0`},
		"NICs of one name": {"GPU0 NIC0 NIC1\nGPU0 X PIX PIX\nNIC0 PIX X PIX\nNIC1 PIX PIX X\n NIC0: a\n NIC1: a\n",
			"topo.txt:4: two NICs are called a"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := capture.ParseMatrix(capture.Text{File: "topo.txt", Content: tc.text})
			wantError(t, err, tc.want)
		})
	}
}

func TestMalformedQuery(t *testing.T) {
	const block = "GPU 00000000:18:00.0\n    Product Name : NVIDIA X\n"
	var many strings.Builder
	for i := range 17 {
		fmt.Fprintf(&many, "GPU 00000000:%02X:00.0\n", i)
	}
	tests := map[string]struct{ text, want string }{
		"nothing":         {"", "q.txt:1: is empty"},
		"the short table": {"| NVIDIA-SMI 570 |\n", "q.txt:1: no line like GPU 00000000:18:00.0"},
		"a lost GPU": {"Attached GPUs : 2\n" + block + "Unable to determine the device handle for GPU0000:1B:00.0: Unknown Error\n",
			"q.txt:4: the driver cannot reach GPU 0000:1B:00.0 (Unknown Error): reset it or reboot, and capture again"},
		"the topology": {
			"GPU0 GPU1\nGPU0 X PIX\n", "q.txt:1: no line like GPU 00000000:18:00.0, this is nvidia-smi topo -m: give it with --topo"},
		"the list": {"GPU 0: NVIDIA X (UUID: GPU-1)\n", "this is nvidia-smi -L: capture nvidia-smi -q"},
		"fields": {
			"index, name, memory.total [MiB]\n0, NVIDIA A100-SXM4-80GB, 81920 MiB\n",
			"this is nvidia-smi --query-gpu, which has its fields alone: capture nvidia-smi -q",
		},
		"XML":        {"<?xml version=\"1.0\" ?>\n", "this is nvidia-smi -q -x: capture without -x"},
		"no devices": {"No devices were found\n", "nvidia-smi failed on line 1 (No devices were found): capture where it works"},
		"one of several": {"Attached GPUs : 8\n" + block,
			"q.txt:1: 8 GPUs are attached and 1 follow, the capture is cut off: paste all of it, and capture without -i"},
		"cut off":      {"Attached GPUs : 2\n" + block, "q.txt:1: 2 GPUs are attached and 1 follow, the capture is cut off"},
		"17 GPUs":      {many.String(), "q.txt:17: more than 16 GPUs"},
		"twice":        {block + block, "q.txt:3: GPU 0000:18:00.0 is on line 1 already"},
		"other bus id": {block + "    PCI\n        Bus Id : 00000000:19:00.0\n", "q.txt:4: Bus Id is 00000000:19:00.0"},
		"memory in GiB": {block + "    FB Memory Usage\n        Total : 80 GiB\n",
			`q.txt:4: FB Memory Usage/Total is "80 GiB", want an amount like`},
		"too much memory": {block + "    FB Memory Usage\n        Total : 99999999999999999999 MiB\n", "q.txt:4: FB Memory Usage/Total is"},
		"all reserved": {block + "    FB Memory Usage\n        Total : 5 MiB\n        Reserved : 5 MiB\n",
			"q.txt:5: all of the memory is reserved"},
		"indentation lost": {"GPU 00000000:18:00.0\nMIG Device\nFB Memory Usage\nTotal : 5 MiB\nFB Memory Usage\nTotal : 9 MiB\n",
			"q.txt:6: FB Memory Usage/Total is \"9 MiB\" here and \"5 MiB\" on line 4, paste the capture with its indentation"},
		"other vendor": {block + "    PCI\n        Device Id : 0x73BF1002\n", `q.txt:4: Device Id is "0x73BF1002"`},
		"cluster is no UUID": {
			block + "    Fabric\n        State : Completed\n        ClusterUUID : rack-7\n        CliqueId : 1\n",
			`q.txt:5: ClusterUUID is "rack-7"`},
		"cluster, no clique": {
			block + "    Fabric\n        State : Completed\n        ClusterUUID : 8d3f0d59-3c1e-4f5e-9a74-5f0ed2b7c611\n",
			"q.txt:5: ClusterUUID has no CliqueId"},
		"clique is no number": {
			block + "    Fabric\n        State : Completed\n        CliqueId : x\n        ClusterUUID : 8d3f0d59-3c1e-4f5e-9a74-5f0ed2b7c611\n",
			`q.txt:5: CliqueId is "x"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := capture.ParseQuery(capture.Text{File: "q.txt", Content: tc.text})
			wantError(t, err, tc.want)
		})
	}
}

func TestMalformedProfiles(t *testing.T) {
	const first, second = "|   0  MIG 1g.6gb   14   4/4   5.81   No   14   1   0 |\n", "|   1   0   0 |\n"
	tests := map[string]struct{ text, want string }{
		"nothing": {"", "lgip.txt:1: is empty"},
		"MIG off": {"No MIG-enabled devices found.\n",
			"lgip.txt:1: No MIG-enabled devices found.: profiles show only while a GPU is in MIG mode"},
		"no rows":          {"+---+\n| GPU instance profiles: |\n", "lgip.txt:1: no profiles"},
		"cut off":          {first, "lgip.txt:1: the second line of profile 14 is missing"},
		"first line twice": {first + first, "lgip.txt:2: 10 entries, want CE, JPEG and OFA of profile 14"},
		"ragged":           {"|   0  MIG 1g.6gb   14   4/4   5.81 |\n", "lgip.txt:1: 6 entries, want GPU, MIG name"},
		"no total":         {strings.Replace(first, "4/4", "44", 1), `lgip.txt:1: "44" is not free/total`},
		"memory is a word": {strings.Replace(first, "5.81", "much", 1), `lgip.txt:1: memory is "much"`},
		"memory is NaN":    {strings.Replace(first, "5.81", "NaN", 1), `lgip.txt:1: memory is "NaN"`},
		"SMs are a word":   {strings.Replace(first, "No   14", "No   x", 1), `lgip.txt:1: SM is "x"`},
		"profile twice":    {first + second + first + second, "lgip.txt:3: profile 14 of GPU 0 is on line 1 already"},
		"GPU 16":           {strings.Replace(first, "|   0", "|  16", 1), `lgip.txt:1: GPU is "16"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := capture.ParseProfiles(capture.Text{File: "lgip.txt", Content: tc.text})
			wantError(t, err, tc.want)
		})
	}
}

func TestMalformedPlacements(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"nothing":     {"", "lgipp.txt:1: is empty"},
		"MIG off":     {"No MIG-enabled devices found.\n", "lgipp.txt:1: No MIG-enabled devices found."},
		"no line":     {"hello\n", "lgipp.txt:1: no placements"},
		"cut off":     {"GPU 0 Profile ID 9 Placements: {0,4\n", "lgipp.txt:1: want a line like"},
		"start twice": {"GPU 0 Profile ID 9 Placements: {0,0}:4\n", "lgipp.txt:1: placement 0:4 twice"},
		"size 0":      {"GPU 0 Profile ID 9 Placements: {0}:0\n", "lgipp.txt:1: placement 0:0 twice or outside"},
		"too far":     {"GPU 0 Profile ID 9 Placements: {13}:4\n", "lgipp.txt:1: placement 13:4 twice or outside 16"},
		"empty start": {"GPU 0 Profile ID 9 Placements: {0,,4}:4\n", `lgipp.txt:1: start is ""`},
		"line twice": {"GPU 0 Profile ID 9 Placements: {0}:4\nGPU 0 Profile ID 9 Placements: {0}:4\n",
			"lgipp.txt:2: profile 9 of GPU 0 is on line 1 already"},
		"size is huge": {"GPU 0 Profile ID 9 Placements: {0}:99999999999999999999\n", "lgipp.txt:1: size is"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := capture.ParsePlacements(capture.Text{File: "lgipp.txt", Content: tc.text})
			wantError(t, err, tc.want)
		})
	}
}

// Captures that are fine by themselves and do not make a machine together.
func TestRefusedMachine(t *testing.T) {
	full := func() capture.Texts {
		return capture.Texts{
			Topology: sample(t, "a30-box.topo.txt"), Query: sample(t, "a30-box.query.txt"),
			Profiles: sample(t, "a30-box.lgip.txt"), Placements: sample(t, "a30-box.lgipp.txt"),
		}
	}
	replace := func(text *capture.Text, before, after string) {
		text.Content = strings.Replace(text.Content, before, after, 1)
	}
	h100, _ := knowing()("NVIDIA H100 80GB HBM3")
	l40s, _ := knowing()("NVIDIA L40S")
	tests := map[string]struct {
		name   string
		change func(*capture.Texts, *capture.Facts)
		want   string
	}{
		"name with a slash":   {name: "a/b", want: `machine name "a/b"`},
		"name with dots":      {name: "../x", want: `machine name "../x"`},
		"name of a row":       {name: "GPU0", want: `machine name "GPU0"`},
		"no source":           {change: func(_ *capture.Texts, f *capture.Facts) { f.Source = " " }, want: "source is missing"},
		"source of two lines": {change: func(_ *capture.Texts, f *capture.Facts) { f.Source = "a\nmachine b" }, want: "want one line"},
		"quotes":              {change: func(_ *capture.Texts, f *capture.Facts) { f.Description = `"` }, want: "without double quotes"},
		"other machine": {change: func(x *capture.Texts, _ *capture.Facts) { x.Topology = sample(t, "hgx-h100.topo.txt") },
			want: "2 GPUs here, 8 in hgx-h100.topo.txt"},
		"no query": {change: func(x *capture.Texts, _ *capture.Facts) { x.Query = capture.Text{} },
			want: "a30-box.topo.txt:1: the GPUs' model is not in this capture"},
		"no product": {
			change: func(x *capture.Texts, _ *capture.Facts) { x.Query.Content = "GPU 0000:17:00.0\nGPU 0000:18:00.0\n" },
			want:   "a30-box.query.txt:1: Product Name is missing"},
		"two models": {change: func(x *capture.Texts, _ *capture.Facts) { replace(&x.Query, "NVIDIA A30 Sample", "NVIDIA A30") },
			want: `GPU 1 is "NVIDIA A30 Sample", GPU 0 is "NVIDIA A30"`},
		"other model named": {change: func(_ *capture.Texts, f *capture.Facts) { f.GPU = h100 },
			want: `Product Name is "NVIDIA A30 Sample", H100-SXM5-80GB was given`},
		"no compute capability": {change: func(_ *capture.Texts, f *capture.Facts) { f.Compute = nil },
			want: "a30-box.query.txt:9: compute capability of NVIDIA A30 Sample is missing, " +
				"nvidia-smi --query-gpu=compute_cap --format=csv shows it"},
		"no P2P": {change: func(_ *capture.Texts, f *capture.Facts) { f.P2P = "" }, want: "nvidia-smi topo -p2p r shows it"},
		"no lane rate": {change: func(x *capture.Texts, _ *capture.Facts) {
			x.Topology.Content = strings.NewReplacer("SYS\t", "NV4\t").Replace(x.Topology.Content)
		}, want: "a30-box.topo.txt:1: bandwidth of one NVLink of NVIDIA A30 Sample is missing, nvidia-smi nvlink -s shows it"},
		"unknown brand": {change: func(x *capture.Texts, _ *capture.Facts) { replace(&x.Query, ": NVIDIA\n", ": Acme\n") },
			want: `Product Brand is "Acme", which is unknown`},
		"no memory": {change: func(x *capture.Texts, _ *capture.Facts) { replace(&x.Query, ": 24576 MiB", ": N/A") },
			want: "FB Memory Usage, Total of NVIDIA A30 Sample is missing"},
		"lgip alone": {change: func(x *capture.Texts, _ *capture.Facts) { x.Placements = capture.Text{} },
			want: "a30-box.lgip.txt:1: placements of the profiles are missing, capture nvidia-smi mig -lgipp"},
		"lgipp alone": {change: func(x *capture.Texts, _ *capture.Facts) { x.Profiles = capture.Text{} },
			want: "a30-box.lgipp.txt:1: names and sizes of the profiles are missing"},
		"placements of a profile missing": {change: func(x *capture.Texts, _ *capture.Facts) {
			replace(&x.Placements, "GPU  0 Profile ID 21 Placements: {0,1,2,3}:1\n", "")
		}, want: "profile 21 has no placements"},
		"placements of another GPU": {change: func(x *capture.Texts, _ *capture.Facts) {
			x.Placements.Content += "GPU 0 Profile ID 99 Placements: {0}:1\n"
		}, want: "a30-box.lgipp.txt:7: profile 99 is not in a30-box.lgip.txt"},
		"odd profile name": {change: func(x *capture.Texts, _ *capture.Facts) { replace(&x.Profiles, "1g.6gb+me", "1g.6gb+xy") },
			want: "1g.6gb+xy is no profile that NVML has a constant for"},
		"GPUs differ": {change: func(x *capture.Texts, _ *capture.Facts) {
			x.Placements.Content += "GPU 1 Profile ID 5 Placements: {0}:2\n"
		}, want: "placements of profile 5 differ from GPU 0's"},
		"NUMA for too few": {change: func(_ *capture.Texts, f *capture.Facts) { f.NUMA = []int64{0} },
			want: "2 GPUs and 1 NUMA nodes were given"},
		"NUMA -2": {change: func(_ *capture.Texts, f *capture.Facts) { f.NUMA = []int64{0, -2} }, want: "NUMA node -2 was given"},
		"NVLink without": {change: func(x *capture.Texts, f *capture.Facts) {
			*x, f.GPU = capture.Texts{Topology: sample(t, "hgx-h100.topo.txt")}, l40s
		}, want: "NV18 between GPU0 and GPU1, but L40S has no NVLink"},
		"cliques differ": {change: func(x *capture.Texts, _ *capture.Facts) {
			*x = capture.Texts{Topology: sample(t, "gb200-tray.topo.txt"), Query: sample(t, "gb200-tray.query.txt")}
			replace(&x.Query, ": 32766", ": 7")
		}, want: "fabric clique is"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			texts, given := full(), facts()
			if tc.name == "" {
				tc.name = "box"
			}
			if tc.change != nil {
				tc.change(&texts, &given)
			}
			_, err := capture.MachineFrom(tc.name, texts, given)
			wantError(t, err, tc.want)
		})
	}
}
