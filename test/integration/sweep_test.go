package integration

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// The API server takes the sweep's Job as it is.
func TestSweepJobIsAccepted(t *testing.T) {
	s := newSpace(t)
	text, err := os.ReadFile(filepath.Join("..", "..", "manifests", "sweep", "job.yaml"))
	require.NoError(t, err)
	var job batchv1.Job
	require.NoError(t, yaml.UnmarshalStrict(text, &job))
	created, err := world.client.BatchV1().Jobs(s.name).Create(s.ctx, &job, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict})
	require.NoError(t, err)
	require.Equal(t, batchv1.IndexedCompletion, *created.Spec.CompletionMode)
}
