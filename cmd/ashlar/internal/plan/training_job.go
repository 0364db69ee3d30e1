package plan

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/podspec"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
	"github.com/ashlar-dev/ashlar/topology/memory/training"
	"github.com/ashlar-dev/ashlar/topology/memory/training/job"
)

// trainingJob is what trains in a manifest: pods of an object that train alike.
type trainingJob struct {
	pod     podspec.Pod
	reading job.Reading
	// gpus is how many GPUs its container asks for, pods how many pods there are.
	gpus, pods int64
}

// readJob reads what a pod trains, if it does.
func readJob(pod *podspec.Pod, maps configMaps) (trainingJob, bool) {
	parts := modelmemory.LaunchPod(pod.Annotations, &pod.Spec)
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		texts := maps.mountedTexts(&pod.Spec, c)
		container := withMountedScript(parts.Containers[i], texts)
		ways, err := launch.StartedPrograms(container)
		if err != nil {
			continue // what cannot be followed is said of servers
		}
		addHereDocuments(container, texts)
		source := job.Source{Ways: ways, Files: parsedTexts(texts)}
		if reading := source.Read(); reading.IsTraining() {
			if model := pod.Annotations[launch.ModelAnnotation]; model != "" {
				reading.StateModel(model, "annotation "+launch.ModelAnnotation)
			}
			return trainingJob{pod: *pod, reading: reading, gpus: modelmemory.CountGPUs(c), pods: max(1, pod.Replicas)}, true
		}
	}
	return trainingJob{}, false
}

// addJob takes a job, together with pods of the same object that train alike: the master and the workers
// of a PyTorchJob.
func (f *planFlags) addJob(one trainingJob) {
	for i := range f.jobs {
		known := &f.jobs[i]
		if known.pod.Object == one.pod.Object && known.pod.File == one.pod.File && known.gpus == one.gpus &&
			reflect.DeepEqual(known.reading, one.reading) {
			known.pods += one.pods
			return
		}
	}
	f.jobs = append(f.jobs, one)
}

// allGPUs is how many GPUs train together, 0 if that is open.
func (j *trainingJob) allGPUs() int64 {
	r := &j.reading
	switch nodes := max(j.pods, r.Nodes); {
	case r.Everywhere:
		return r.Processes
	case r.Processes > 0:
		return r.Processes * nodes
	default:
		return j.gpus * nodes
	}
}

// answerJobs answers for every training job of the manifest; failures are about single ones.
func (f *planFlags) answerJobs(cmd *cobra.Command, offers []memoryplan.Offer) (answers []*trainingAnswer, failures []error, err error) {
	slices.SortStableFunc(f.jobs, func(a, b trainingJob) int { return cmp.Compare(a.pod.Line, b.pod.Line) })
	for i := range f.jobs {
		answer, err := f.answerJob(cmd, &f.jobs[i], offers)
		switch {
		case cli.ExitCode(err) == cli.ExitUsage && f.train.enabled:
			return nil, nil, err
		case err != nil:
			failures = append(failures, err)
		default:
			answers = append(answers, answer)
		}
	}
	return answers, failures, nil
}

func (f *planFlags) answerJob(cmd *cobra.Command, j *trainingJob, offers []memoryplan.Offer) (*trainingAnswer, error) {
	r, source := &j.reading, f.source
	named := source.name != "" || source.config != ""
	if !named {
		source.name = r.Model
	}
	if source.name == "" && source.config == "" {
		return nil, fmt.Errorf("%s: runs %s: the model that it trains is unknown, because %s; name it: ashlar plan MODEL -f ..., or "+
			"annotation %s",
			j.pod.Where(), r.Launcher, unknownBecause(r, job.ModelSetting), launch.ModelAnnotation)
	}
	found, err := source.findModel(cmd.Context())
	if err != nil {
		return nil, fmt.Errorf("%s: runs %s: %w", j.pod.Where(), r.Launcher, err)
	}
	settings := r.Settings
	stated, err := f.applyTraining(&settings, func(flag string) bool { return f.train.enabled && cmd.Flags().Changed(flag) })
	if err != nil {
		return nil, err
	}
	if settings.SequenceLength == 0 {
		if settings.SequenceLength = usualLength; found.model.MaxPositions > 0 {
			settings.SequenceLength = min(usualLength, found.model.MaxPositions)
		}
	}
	shards := stated
	if all := j.allGPUs(); shards == 0 && all > 0 {
		degrees := max(1, settings.TensorParallel) * max(1, settings.PipelineParallel) * max(1, settings.ContextParallel)
		if shards = all / degrees; shards < 1 || all%degrees != 0 {
			return nil, fmt.Errorf("%s: runs %s on %d GPUs, which degrees of parallelism of %d together do not divide", j.pod.Where(),
				r.Launcher, all,
				degrees)
		}
		if settings.Stage == training.ShardHybrid && j.gpus > 0 {
			shards = min(shards, j.gpus)
		}
	}
	found.notes = append(found.notes, r.Notes...)
	answer, err := newTrainingAnswer(found, settings, shards, offers)
	if err != nil {
		return nil, fmt.Errorf("%s: runs %s: %s: %w", j.pod.Where(), r.Launcher, found.model.Name, settingsFault(err, false))
	}
	answer.where, answer.runs, answer.unknown = j.pod.Where(), runsText(r), f.openSettings(cmd, r, named, &answer.account.Settings)
	if shards == 0 {
		answer.notes = append(answer.notes, "how many GPUs train is not stated: the fewest that suffice are looked for; --shards states it")
	}
	return answer, nil
}

// runsText says what a job runs: "torchrun, the Trainer of Transformers".
func runsText(r *job.Reading) string {
	if r.Framework == "" || strings.EqualFold(r.Framework, r.Launcher) {
		return r.Launcher
	}
	return r.Launcher + ", " + r.Framework
}

// unknownBecause says why a setting is unknown.
func unknownBecause(r *job.Reading, s job.Setting) string {
	for _, u := range r.Unknown {
		if u.Setting == s {
			return u.Because
		}
	}
	return "the pod does not name it"
}

// openSettings are those that neither the pod nor the flags state, with what they are counted as.
func (f *planFlags) openSettings(cmd *cobra.Command, r *job.Reading, named bool, s *training.Settings) []unknownSetting {
	var open []unknownSetting
	for _, u := range r.Unknown {
		flag := strings.TrimPrefix(u.Setting.FlagName(), "--")
		if u.Setting == job.ModelSetting && named || f.train.enabled && cmd.Flags().Lookup(flag) != nil && cmd.Flags().Changed(flag) {
			continue
		}
		because := u.Because
		if counted := countedAs(u.Setting, s); counted != "" {
			because += "; counted as " + counted
		}
		open = append(open, unknownSetting{Field: string(u.Setting), Because: because + ": state it with --train " + u.Setting.FlagName()})
	}
	return open
}

// countedAs is what an unknown setting is counted as.
func countedAs(setting job.Setting, s *training.Settings) string {
	switch setting {
	case job.BatchSetting:
		return fmt.Sprint(s.Batch)
	case job.LengthSetting:
		return fmt.Sprintf("%d tokens", s.SequenceLength)
	case job.ProcessSetting:
		return fmt.Sprint(s.GPUCount())
	case job.OptimizerSetting:
		return string(s.Optimizer)
	case job.PrecisionSetting:
		return precisionTexts[s.Precision]
	case job.ShardingSetting:
		return s.Stage.String()
	case job.CheckpointingSetting:
		if s.Recompute == training.KeepAll {
			return "none"
		}
		return string(s.Recompute)
	}
	return ""
}

// settingNames are the fields of training.Settings as flags state them and as people call them.
var settingNames = map[string]job.Setting{
	"Batch": job.BatchSetting, "SequenceLength": job.LengthSetting, "Accumulation": job.AccumulationSetting, "Optimizer": job.OptimizerSetting,
	"Precision": job.PrecisionSetting, "Offload": job.OffloadSetting, "AdapterRank": job.AdapterSetting, "AdapterTargets": job.TargetSetting,
	"QuantisedBase": job.BaseSetting, "TensorParallel": job.TensorSetting, "PipelineParallel": job.PipelineSetting,
	"ContextParallel": job.ContextSetting, "Shards": job.ProcessSetting,
}

// settingsFault is an error of settings in the words of flags, or of people.
func settingsFault(err error, inFlags bool) error {
	var fault *training.SettingsError
	if !errors.As(err, &fault) {
		return err
	}
	name, known := settingNames[fault.Field]
	switch {
	case fault.Field == "Model":
		return errors.New(fault.Problem)
	case fault.Field == "FusedStep" && inFlags:
		return fmt.Errorf("--fused-step: %s", fault.Problem)
	case known && inFlags:
		return fmt.Errorf("%s: %s", name.FlagName(), fault.Problem)
	case known:
		return fmt.Errorf("%s: %s", name, fault.Problem)
	}
	return err
}

// servesBeside says of a pod that does not train why --train leaves it out.
func servesBeside(pod *podspec.Pod) string {
	return fmt.Sprintf("%s: starts nothing that is known to train; without --train, model servers are answered for", pod.Where())
}
