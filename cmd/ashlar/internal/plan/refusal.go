package plan

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
)

// fitError is an error where a server fits nowhere.
func fitError(answers []*serverAnswer) error {
	for _, answer := range answers {
		if answer.FittingCount() == 0 {
			return cli.NothingFits{Message: answer.refusalText()}
		}
	}
	return nil
}

// refusalText says why nothing fits; the sum for a single GPU is in its table.
func (a *serverAnswer) refusalText() string {
	if a.Refusal != "" {
		return fmt.Sprintf("%s does not start: %s", a.question.titleText(), a.Refusal)
	}
	if len(a.Options) == 1 {
		return fmt.Sprintf("%s does not fit %s: %s", a.question.titleText(), a.Options[0].Title(), a.Options[0].Reason)
	}
	return fmt.Sprintf("%s fits on none of the %d GPUs and slices looked at", a.question.titleText(), len(a.Options))
}
