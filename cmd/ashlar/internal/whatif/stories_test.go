package whatif

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
)

// The files in testdata/stories are clusters and questions about them, each with all that
// the command prints:
//
//	nodes          nodes by name, with labels, allocatable amounts and taints
//	objects        further objects of the cluster, in YAML
//	ask [FLAGS]    a manifest; prints the answer and the exit code
//
// go test ./cmd/ashlar/internal/whatif -run Stories -rewrite writes what is printed now:
// commit only lines that you can explain.
func TestWhatifStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		story := &clusterStory{t: t}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			story.t = t
			switch d.Cmd {
			case "nodes":
				story.addNodes(d.Input)
			case "objects":
				story.addObjects(d.Input)
			case "ask":
				var flags []string
				for _, argument := range d.CmdArgs {
					flags = append(flags, argument.String())
				}
				return story.askWhatif(d.Input, flags)
			default:
				t.Fatalf("%s: unknown command %q, want nodes, objects or ask", d.Pos, d.Cmd)
			}
			return ""
		})
	})
}

// clusterStory is a cluster that is told bit by bit.
type clusterStory struct {
	t       *testing.T
	objects []json.RawMessage
}

// toldNode is what a story says of a node; what it leaves out is plenty.
type toldNode struct {
	Labels      map[string]string            `json:"labels"`
	Allocatable map[string]resource.Quantity `json:"allocatable"`
	Taints      []corev1.Taint               `json:"taints"`
	Cordoned    bool                         `json:"cordoned"`
	// Capacity is what is beyond the allocatable amounts, such as devices that are unhealthy.
	Capacity map[string]resource.Quantity `json:"capacity"`
}

func (s *clusterStory) addNodes(text string) {
	s.t.Helper()
	var nodes map[string]toldNode
	if err := yaml.UnmarshalStrict([]byte(text), &nodes); err != nil {
		s.t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		told := nodes[name]
		node := corev1.Node{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Node"},
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}},
			Spec:       corev1.NodeSpec{Taints: told.Taints, Unschedulable: told.Cordoned},
		}
		maps.Copy(node.Labels, told.Labels)
		amounts := corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("128"), corev1.ResourceMemory: resource.MustParse("1Ti"),
			corev1.ResourcePods: resource.MustParse("110"),
		}
		for resourceName, amount := range told.Allocatable {
			amounts[corev1.ResourceName(resourceName)] = amount
		}
		node.Status.Capacity, node.Status.Allocatable = maps.Clone(amounts), amounts
		for resourceName, amount := range told.Capacity {
			node.Status.Capacity[corev1.ResourceName(resourceName)] = amount
		}
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		object, err := json.Marshal(node)
		if err != nil {
			s.t.Fatal(err)
		}
		s.objects = append(s.objects, object)
	}
}

func (s *clusterStory) addObjects(text string) {
	s.t.Helper()
	for document := range strings.SplitSeq(text, "\n---\n") {
		object, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			s.t.Fatal(err)
		}
		s.objects = append(s.objects, object)
	}
}

// askWhatif runs ashlar whatif -f on the cluster and a manifest, which may be empty where
// flags ask something else.
func (s *clusterStory) askWhatif(manifest string, flags []string) string {
	s.t.Helper()
	// The command names its files relative to the folder: a temporary folder's name differs
	// in length from run to run, and lines are wrapped by what they say.
	folder := s.t.TempDir()
	s.t.Chdir(folder)
	snapshot, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": s.objects})
	if err != nil {
		s.t.Fatal(err)
	}
	files := map[string][]byte{"cluster.json": snapshot, "pods.yaml": []byte(manifest + "\n")}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	args := append([]string{"whatif", "--snapshot", "cluster.json"}, flags...)
	if manifest != "" {
		args = append(args, "-f", "pods.yaml")
	}
	out, _, err := run(s.t, args...)
	if err != nil && cli.ExitCode(err) != cli.ExitNothingFits {
		out += err.Error() + "\n"
	}
	code := 0
	if err != nil {
		code = cli.ExitCode(err)
	}
	return out + fmt.Sprintf("exit %d\n", code)
}
