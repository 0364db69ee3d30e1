package validation

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ashlar-dev/ashlar/plugins/apis/config"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// maxExplainTimeout is the longest that the queue may have to wait for one pod's
// explanation.
const maxExplainTimeout = time.Minute

// maxScoreSpan is the range of the framework's scores.
const maxScoreSpan = 100

// ValidateDevicePlacementArgs returns an error for each field that cannot be. path is
// where the arguments stand in the file, nil for the top.
func ValidateDevicePlacementArgs(path *field.Path, args *config.DevicePlacementArgs) error {
	var all field.ErrorList
	if _, err := placement.PolicyNamed(args.Policy, placement.PriorDemand(), 0); err != nil {
		_, known, _ := strings.Cut(err.Error(), ": ")
		all = append(all, field.Invalid(path.Child("policy"), args.Policy, known))
	}
	if timeout := args.ExplainTimeout.Duration; timeout <= 0 || timeout > maxExplainTimeout {
		all = append(all, field.Invalid(path.Child("explainTimeout"), timeout.String(), "want more than 0 and at most 1m"))
	}
	if args.MaxExplainedNodes < 1 {
		all = append(all, field.Invalid(path.Child("maxExplainedNodes"), args.MaxExplainedNodes, "want at least 1"))
	}
	if args.ScoreSpan < 0 || args.ScoreSpan > maxScoreSpan {
		all = append(all, field.Invalid(path.Child("scoreSpan"), args.ScoreSpan, "want 0 to 100"))
	}
	if args.Candidates < 0 {
		all = append(all, field.Invalid(path.Child("candidates"), args.Candidates, "want at least 0"))
	}
	return all.ToAggregate()
}
