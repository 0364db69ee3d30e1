package dra

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	dracel "k8s.io/dynamic-resource-allocation/cel"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

func newExpressions() *dracel.Cache { return dracel.NewCache(10, dracel.Features{}) }

func TestClausesOf(t *testing.T) {
	for name, tc := range map[string]struct {
		expression     string
		want           []string
		wantProperties []deviceProperty
	}{
		"one clause": {
			expression: `device.driver == "gpu.ashlar.dev"`,
			want:       []string{`device.driver == "gpu.ashlar.dev"`},
		},
		"conjunction, flattened": {
			expression: `device.driver == "a" && (device.attributes["a"].x == 1 && device.capacity["a"].memory.isGreaterThan(quantity("1Gi")))`,
			want:       []string{`device.driver == "a"`, `device.attributes["a"].x == 1`, `device.capacity["a"].memory.isGreaterThan(quantity("1Gi"))`},
			wantProperties: []deviceProperty{
				{domain: "a", name: "x"}, {domain: "a", name: "memory", capacity: true},
			},
		},
		"a disjunction is one clause": {
			expression: `device.attributes["a"].x == 1 || device.attributes["a"].y == 2`,
			want:       []string{`device.attributes["a"].x == 1 || device.attributes["a"].y == 2`},
			wantProperties: []deviceProperty{
				{domain: "a", name: "x"}, {domain: "a", name: "y"},
			},
		},
		"not CEL": {expression: `device.`},
	} {
		t.Run(name, func(t *testing.T) {
			var texts []string
			var properties []deviceProperty
			for _, clause := range clausesOf(newExpressions().GetOrCompile(tc.expression)) {
				texts = append(texts, clause.text)
				properties = append(properties, clause.properties...)
			}
			require.Equal(t, tc.want, texts)
			require.Equal(t, tc.wantProperties, properties)
		})
	}
}

// poolOf is a pool of whole GPUs with the given memory and product.
func poolOf(t *testing.T, gpus ...[2]string) *Pool {
	t.Helper()
	node := "node"
	slice := &resourceapi.ResourceSlice{Spec: resourceapi.ResourceSliceSpec{
		Driver: deviceapi.Driver, NodeName: &node, Pool: resourceapi.ResourcePool{Name: node, ResourceSliceCount: 1},
	}}
	kind := deviceapi.TypeGPU
	for i, gpu := range gpus {
		index, product := int64(i), gpu[1]
		slice.Spec.Devices = append(slice.Spec.Devices, resourceapi.Device{
			Name: deviceapi.GPUDevice(index),
			Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
				deviceapi.Type: {StringValue: &kind}, deviceapi.Index: {IntValue: &index}, deviceapi.ProductName: {StringValue: &product},
			},
			Capacity: map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{deviceapi.Memory: {Value: resource.MustParse(gpu[0])}},
		})
	}
	var all poolIndex
	all.updatePools([]*resourceapi.ResourceSlice{slice})
	found := all.gpuPool(node)
	require.NotNil(t, found)
	return found
}

func TestUnmetNamesTheClauseAndWhatThereIs(t *testing.T) {
	gpus := poolOf(t, [2]string{"24Gi", "NVIDIA A30"}, [2]string{"80Gi", "NVIDIA H100"}, [2]string{"40Gi", "NVIDIA A100"})
	s := &Source{expressions: newExpressions()}
	class := `device.driver == "gpu.ashlar.dev"`
	for name, tc := range map[string]struct{ selector, want string }{
		"memory": {
			`device.attributes["gpu.ashlar.dev"].type == "gpu" && device.capacity["gpu.ashlar.dev"].memory.isGreaterThan(quantity("100Gi"))`,
			`no GPU satisfies device.capacity["gpu.ashlar.dev"].memory.isGreaterThan(quantity("100Gi")) (memory here: 24GiB to 80GiB)`,
		},
		"product": {
			`device.attributes["gpu.ashlar.dev"].productName == "NVIDIA B200"`,
			`no GPU satisfies device.attributes["gpu.ashlar.dev"].productName == "NVIDIA B200" (productName here: NVIDIA A100, NVIDIA A30, NVIDIA H100)`,
		},
		"attribute that nobody publishes": {
			`device.attributes["gpu.ashlar.dev"].colour == "red"`,
			`no GPU satisfies device.attributes["gpu.ashlar.dev"].colour == "red" (no GPU has colour)`,
		},
		"satisfied": {`device.capacity["gpu.ashlar.dev"].memory.isGreaterThan(quantity("50Gi"))`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sub := &subRequest{selectors: []string{class, tc.selector}}
			got, decided := s.unmetCondition(context.Background(), []*Pool{gpus}, sub)
			require.Equal(t, tc.want, got)
			require.True(t, decided)
		})
	}
}
