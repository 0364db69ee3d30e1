package topology

import (
	"strings"
	"testing"
)

func nodeOf(t *testing.T, rate int64, rows ...string) *Node {
	t.Helper()
	node := &Node{}
	model := &Model{Name: "test", LaneGBps: rate, P2P: true}
	for _, row := range rows {
		var links []Link
		for _, word := range strings.Fields(row) {
			link, err := ParseLink(word)
			if err != nil {
				t.Fatal(err)
			}
			links = append(links, link)
		}
		node.GPUs = append(node.GPUs, GPU{Model: model})
		node.Links = append(node.Links, links)
	}
	return node
}

// Bandwidth takes the worse direction of an asymmetric table.
func TestBandwidth(t *testing.T) {
	node := nodeOf(t, 25, "X NV2 SYS", "NV1 X NODE", "SYS NODE X")
	for _, tc := range []struct {
		i, j int
		want int64
	}{{0, 1, 25}, {1, 0, 25}, {1, 2, 18}, {0, 2, 10}} {
		if got := node.Bandwidth(tc.i, tc.j); got != tc.want {
			t.Errorf("Bandwidth(%d, %d) = %d, want %d", tc.i, tc.j, got, tc.want)
		}
	}
	other := *node.GPUs[0].Model
	other.LaneGBps = 20
	node.GPUs[1].Model = &other
	if got := node.Bandwidth(0, 1); got != 20 {
		t.Errorf("between models of 25 and 20 GB/s per lane: %d, want 20", got)
	}
}

func TestIslands(t *testing.T) {
	for name, tc := range map[string]struct {
		rows []string
		want []int64
	}{
		"odd pairs": {[]string{"X SYS NV4 SYS", "SYS X SYS NV4", "NV4 SYS X SYS", "SYS NV4 SYS X"}, []int64{0, 1, 0, 1}},
		"none":      {[]string{"X PIX", "PIX X"}, []int64{NoIsland, NoIsland}},
		// 0-1-2 is a chain: 0 and 2 are not connected, so 2 is left over.
		"chain":    {[]string{"X NV1 SYS", "NV1 X NV1", "SYS NV1 X"}, []int64{0, 0, NoIsland}},
		"one way":  {[]string{"X NV1", "SYS X"}, []int64{NoIsland, NoIsland}},
		"all to 0": {[]string{"X NV1 NV1", "NV1 X NV1", "NV1 NV1 X"}, []int64{0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			got := nodeOf(t, 25, tc.rows...).Islands()
			for i := range got {
				if got[i] != tc.want[i] {
					t.Fatalf("got %v, want %v", got, tc.want)
				}
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Node)
		want   string
	}{
		"no GPUs":        {func(n *Node) { n.GPUs = nil }, "at least one GPU"},
		"too many GPUs":  {func(n *Node) { n.GPUs = make([]GPU, MaxGPUs+1) }, "at most 16"},
		"missing row":    {func(n *Node) { n.Links = n.Links[:1] }, "1 rows for 2 GPUs"},
		"short row":      {func(n *Node) { n.Links[1] = n.Links[1][:1] }, "GPU 1 has 1 entries"},
		"no model":       {func(n *Node) { n.GPUs[1].Model = nil }, "GPU 1 has no model"},
		"self elsewhere": {func(n *Node) { n.Links[0][1] = Link{Kind: Self} }, "link of GPU 0 to GPU 1 is X"},
		"NIC links":      {func(n *Node) { n.NICs = []NIC{{Name: "mlx5_0"}} }, "NIC mlx5_0 has 0 links for 2 GPUs"},
	} {
		t.Run(name, func(t *testing.T) {
			node := nodeOf(t, 25, "X NV1", "NV1 X")
			if err := node.Validate(); err != nil {
				t.Fatal(err)
			}
			tc.change(node)
			if err := node.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
		})
	}
}

// A flat node is one that other packages can rely on, and knows no islands.
func TestFlatNode(t *testing.T) {
	model := &Model{Name: "test", P2P: true}
	for gpus := 1; gpus <= MaxGPUs; gpus++ {
		node := FlatNode(model, gpus)
		if err := node.Validate(); err != nil || len(node.GPUs) != gpus {
			t.Errorf("%d GPUs: got %d, %v", gpus, len(node.GPUs), err)
		}
		for i, island := range node.Islands() {
			if island != NoIsland || node.GPUs[i].NUMA != NoNUMA || node.GPUs[i].Model != model {
				t.Errorf("GPU %d of %d: %+v, island %d", i, gpus, node.GPUs[i], island)
			}
		}
	}
	if got, want := FlatNode(model, 3).Bandwidth(0, 2), (Link{Kind: PHB}).GBps(0); got != want {
		t.Errorf("Bandwidth(0, 2) = %d, want %d", got, want)
	}
}
