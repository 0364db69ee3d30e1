package integration

import (
	"os"
	"path/filepath"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// The API server takes the sweep's Job as it is.
func TestSweepJobIsAccepted(t *testing.T) {
	s := newSpace(t)
	text, err := os.ReadFile(filepath.Join("..", "..", "manifests", "sweep", "job.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var job batchv1.Job
	if err := yaml.UnmarshalStrict(text, &job); err != nil {
		t.Fatal(err)
	}
	created, err := world.client.BatchV1().Jobs(s.name).Create(s.ctx, &job,
		metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		t.Fatal(err)
	}
	if *created.Spec.CompletionMode != batchv1.IndexedCompletion {
		t.Fatalf("*created.Spec.CompletionMode = %q, want %q", *created.Spec.CompletionMode, batchv1.IndexedCompletion)
	}
}
