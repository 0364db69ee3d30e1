package dra

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	dracel "k8s.io/dynamic-resource-allocation/cel"
)

func newExpressions() *expressionCache { return newExpressionCache(dracel.Features{}) }

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
			want: []string{
				`device.driver == "a"`, `device.attributes["a"].x == 1`, `device.capacity["a"].memory.isGreaterThan(quantity("1Gi"))`,
			},
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
			if diff := cmp.Diff(tc.want, texts); diff != "" {
				t.Errorf("clauses (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantProperties, properties, cmp.AllowUnexported(deviceProperty{})); diff != "" {
				t.Errorf("properties (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnmetConditionNamesTheClauseAndWhatThereIs(t *testing.T) {
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
			`no GPU satisfies device.attributes["gpu.ashlar.dev"].productName == "NVIDIA B200" ` +
				`(productName here: NVIDIA A100, NVIDIA A30, NVIDIA H100)`,
		},
		"attribute that nobody publishes": {
			`device.attributes["gpu.ashlar.dev"].colour == "red"`,
			`no GPU satisfies device.attributes["gpu.ashlar.dev"].colour == "red" (no GPU has colour; there are index, productName, type)`,
		},
		"an attribute of a similar name": {
			`device.attributes["gpu.ashlar.dev"].productname == "NVIDIA A30"`,
			`no GPU satisfies device.attributes["gpu.ashlar.dev"].productname == "NVIDIA A30" ` +
				`(no GPU has productname; did you mean productName?)`,
		},
		"an attribute of another domain": {
			`device.attributes["gpu.nvidia.com"].productName == "NVIDIA A30"`,
			`no GPU satisfies device.attributes["gpu.nvidia.com"].productName == "NVIDIA A30" ` +
				`(no GPU has gpu.nvidia.com/productName; they publish gpu.ashlar.dev/productName)`,
		},
		"a capacity, asked for as an attribute": {
			`device.attributes["gpu.ashlar.dev"].memory == "24Gi"`,
			`no GPU satisfies device.attributes["gpu.ashlar.dev"].memory == "24Gi" (no GPU has the attribute memory, which is a capacity)`,
		},
		"a version compared as text": {
			`device.attributes["gpu.ashlar.dev"].index >= "1.0.0"`,
			`no GPU satisfies device.attributes["gpu.ashlar.dev"].index >= "1.0.0" (index here: 0, 1, 2) ` +
				`(it cannot be evaluated: no such overload)`,
		},
		"the memory on the box": {
			`device.capacity["gpu.ashlar.dev"].memory.compareTo(quantity("141Gi")) >= 0`,
			`no GPU satisfies device.capacity["gpu.ashlar.dev"].memory.compareTo(quantity("141Gi")) >= 0 (memory here: 24GiB to 80GiB); ` +
				`a GPU of 141GB such as NVIDIA H200 NVL has 139.72GiB: ask for 139Gi`,
		},
		"satisfied": {`device.capacity["gpu.ashlar.dev"].memory.isGreaterThan(quantity("50Gi"))`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sub := &subRequest{selectors: []string{class, tc.selector}, ofClass: 1}
			got, decided := s.unmetCondition(context.Background(), gpusOf([]*Pool{gpus}), sub)
			if got != tc.want || !decided {
				t.Errorf("got %q (decided: %t), want %q", got, decided, tc.want)
			}
			ended, end := context.WithCancel(context.Background())
			end()
			if got, decided := s.unmetCondition(ended, gpusOf([]*Pool{gpus}), sub); got != "" || decided {
				t.Errorf("after the time is up: %q (decided: %t), want nothing", got, decided)
			}
		})
	}
}
