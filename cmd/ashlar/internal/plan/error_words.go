package plan

import (
	"errors"
	"fmt"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/hub"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// ownFlags are the flags for fields of a launch that plan does not name as vLLM does.
var ownFlags = map[launch.Field]string{launch.FieldTensorParallel: "--tp", launch.FieldPipelineParallel: "--pp"}

// flagOf is the flag of plan that states a field of a launch, "" if there is none.
func flagOf(name string) string {
	for _, field := range launch.Fields() {
		if field.String() != name {
			continue
		}
		if own := ownFlags[field]; own != "" {
			return own
		}
		argument, _ := launch.ArgumentName(memory.VLLM, field)
		for _, flag := range vllmFlags {
			if "--"+flag.name == argument {
				return argument
			}
		}
	}
	return ""
}

// inFlagWords says an error about a setting in the words of the command line.
func inFlagWords(err error) error {
	var fault *memory.LaunchError
	if !errors.As(err, &fault) {
		return err
	}
	flag := flagOf(fault.Field)
	if flag == "" {
		return err
	}
	return fmt.Errorf("%s %s: %s", flag, fault.Value, fault.Problem)
}

// asUsageError makes it a mistake in the call that there is no such model.
func asUsageError(err error) error {
	if errors.As(err, new(*model.UnknownModel)) || errors.As(err, new(*hub.Invalid)) {
		return cli.UsageErrorf("%w", err)
	}
	return err
}
