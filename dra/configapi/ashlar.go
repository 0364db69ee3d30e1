package configapi

import (
	"maps"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/hardware"
)

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// intervals are the lengths of a time slice, by the words of nvidia-smi compute-policy.
var intervals = map[string]hardware.TimeSlice{
	"": hardware.DefaultTimeSlice, "Default": hardware.DefaultTimeSlice,
	"Short": hardware.ShortTimeSlice, "Medium": hardware.MediumTimeSlice, "Long": hardware.LongTimeSlice,
}

func (o *object) takeInterval() hardware.TimeSlice {
	return intervals[o.takeChoice("interval", "Default", "Short", "Medium", "Long")]
}

func readGPUConfig(o *object) Config {
	config := DefaultConfig(dra.FormGPU)
	sharing := o.takeObject("sharing")
	if sharing == nil {
		return config
	}
	config.Strategy = sharing.requireStrategy(None, TimeSlicing, MPS)
	if slicing := sharing.takeMember("timeSlicing", config.Strategy, TimeSlicing); slicing != nil {
		config.Interval = slicing.takeInterval()
		slicing.close()
	}
	if mps := sharing.takeMember("mps", config.Strategy, MPS); mps != nil {
		mps.readMPS(&config)
		mps.close()
	}
	sharing.close()
	return config
}

func readMIGConfig(o *object) Config {
	config := DefaultConfig(dra.FormMIG)
	sharing := o.takeObject("sharing")
	if sharing == nil {
		return config
	}
	config.Strategy = sharing.requireStrategy(None, MPS)
	sharing.refuse("timeSlicing", "MIG instances have no time slice of their own: leave it out")
	if mps := sharing.takeMember("mps", config.Strategy, MPS); mps != nil {
		mps.readMPS(&config)
		mps.close()
	}
	sharing.close()
	return config
}

func readShareConfig(o *object) Config {
	config := DefaultConfig(dra.FormShare)
	if strategy := o.takeChoice("strategy", string(TimeSlicing), string(MPS)); strategy != "" {
		config.Strategy = Strategy(strategy)
	}
	if config.Strategy == MPS {
		o.readMPS(&config)
		o.refuse("interval", "it is a setting of TimeSlicing: set strategy to TimeSlicing, or leave it out")
		return config
	}
	config.Interval = o.takeInterval()
	for _, field := range []string{"defaultActiveThreadPercentage", "pinnedMemoryLimit"} {
		o.refuse(field, "it is a setting of MPS: set strategy to MPS, or leave it out")
	}
	return config
}

// readMPS takes what our kinds say of MPS.
func (o *object) readMPS(config *Config) {
	config.ActiveThreadPercentage = o.takePercentage("defaultActiveThreadPercentage")
	config.PinnedMemory = o.takeMemory("pinnedMemoryLimit")
}

// requireStrategy takes the field strategy, which must be there.
func (o *object) requireStrategy(strategies ...Strategy) Strategy {
	var words []string
	for _, strategy := range strategies {
		words = append(words, string(strategy))
	}
	if _, there := o.fields["strategy"]; !there {
		o.report("strategy", "it is missing, want one of %s", strings.Join(words, ", "))
	}
	return Strategy(o.takeChoice("strategy", words...))
}

// takeMember takes the settings of one strategy, which must be the one that is chosen.
func (o *object) takeMember(field string, chosen, owner Strategy) *object {
	member := o.takeObject(field)
	if member == nil || chosen == "" {
		return nil
	}
	if chosen != owner {
		o.report(field, "the strategy is %s: set it to %s, or leave %s out", chosen, owner, field)
		return nil
	}
	return member
}
