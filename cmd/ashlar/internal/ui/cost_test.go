package ui

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/clustermap"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// What a node of 216 devices costs: to be taken in, and to be drawn.
func BenchmarkNode(b *testing.B) {
	slices := publishedSlices(b)
	objects := newObjects()
	var readings resourceslices.Readings
	objects.setObject(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node"}})
	b.Run("pack", func(b *testing.B) {
		for b.Loop() {
			for _, slice := range slices {
				slice.Name, slice.Spec.NodeName = slice.GenerateName, ptr.To("node")
				packed, err := packSlice(slice)
				if err != nil {
					b.Fatal(err)
				}
				objects.setObject(packed)
			}
		}
	})
	b.Run("unpack", func(b *testing.B) {
		for b.Loop() {
			if _, err := objects.objectsOf("node"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("draw", func(b *testing.B) {
		own, err := objects.objectsOf("node")
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if tile, notes := clustermap.DrawNode(own.Nodes[0], own, &readings); len(tile.GPUs) != 8 || len(notes) > 0 {
				b.Fatal(tile, notes)
			}
		}
	})
}
