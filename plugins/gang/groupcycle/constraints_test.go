package groupcycle

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func annotated(name string, annotations map[string]string) *v1.Pod {
	return &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations}}
}

func TestReadConstraints(t *testing.T) {
	clique := map[string]string{PreferredTopologyAnnotation: "clique"}
	for name, tc := range map[string]struct {
		group   map[string]string
		pods    []*v1.Pod
		want    Constraints
		wantErr string
	}{
		"nothing is said": {pods: []*v1.Pod{annotated("a", nil)}},
		"levels nest, and what is required is not preferred too": {
			group: map[string]string{
				RequiredTopologyAnnotation: "rack, zone", PreferredTopologyAnnotation: "clique,rack,example.com/block", SameAnnotation: "product",
			},
			want: Constraints{Product: ProductRequired, Levels: []Level{
				{Name: "zone", Required: true}, {Name: "rack", Required: true}, {Name: "example.com/block"}, {Name: "clique"},
			}},
		},
		"of the pods": {
			pods: []*v1.Pod{annotated("b", clique), annotated("a", clique)},
			want: Constraints{Levels: []Level{{Name: "clique"}}},
		},
		"the group has the say": {
			group: map[string]string{SameAnnotation: "none"}, pods: []*v1.Pod{annotated("a", map[string]string{SameAnnotation: "nonsense"})},
			want: Constraints{Product: ProductIndifferent},
		},
		"pods differ": {
			pods:    []*v1.Pod{annotated("b", nil), annotated("a", clique)},
			wantErr: `pods a and b of PodGroup ml/train differ in annotation ashlar.dev/preferred-topology ("clique" and "")`,
		},
		"no such level": {
			group:   map[string]string{RequiredTopologyAnnotation: "row"},
			wantErr: `PodGroup ml/train has annotation ashlar.dev/required-topology: "row": "row" is no level: it may be clique, rack, zone, or`,
		},
		"no label":  {group: map[string]string{RequiredTopologyAnnotation: "a/b/c"}, wantErr: `"a/b/c" is no level`},
		"an island": {group: map[string]string{RequiredTopologyAnnotation: "island"}, wantErr: "an island is within one node"},
		"no property": {
			pods:    []*v1.Pod{annotated("a", map[string]string{SameAnnotation: "driver"})},
			wantErr: `pod a has annotation ashlar.dev/same: "driver"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadConstraints("ml/train", tc.group, tc.pods)
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("got error %v, want %q in it", err, tc.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
