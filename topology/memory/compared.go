package memory

import (
	"fmt"
	"math"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// StartComparison is what stands behind an estimate's margin: start-up logs of servers like it.
type StartComparison struct {
	Engine Engine
	// Kind is what kind of model it is, in words, and Releases are the engine's releases that count as this one does.
	Kind, Releases string
	// Logs is how many logs of that kind and of these releases were compared, Others how many of the kind and other
	// releases. Off is by how much less than estimated was left for the KV cache in the worst of Logs.
	Logs, Others int64
	Off          topology.Bytes
	// Unaccounted says that the release divides memory in another way than is accounted for here.
	Unaccounted bool
}

// The kinds of models whose start-up logs differ in what is hard to tell.
const (
	denseKind   = "dense models"
	mixtureKind = "mixtures of experts"
	latentKind  = "models with latent attention"
	stateKind   = "models with states"
	towerKind   = "models with towers"
)

// comparedReleases are releases of vLLM that count alike, up to the minor number before which the next begin.
var comparedReleases = []struct {
	name   string
	before int64
}{
	{"0.8 and 0.9", 10}, {"0.10", 11}, {"0.11 to 0.16", 17}, {"0.17 to 0.22", 23}, {"0.23 to 0.26", 27},
	{"0.27 and 0.28", 29}, {"0.29 and later", math.MaxInt64},
}

// comparedLogs are the start-up logs that were compared: how many, and by how much less than estimated was left for the KV
// cache in the worst of them. docs/results/model-memory.md lists them.
var comparedLogs = []struct {
	kind, releases string
	logs           int64
	off            topology.Bytes
}{
	{denseKind, "0.11 to 0.16", 7, 82 * topology.MiB},
	{denseKind, "0.17 to 0.22", 3, 430 * topology.MiB},
	{denseKind, "0.27 and 0.28", 1, 0},
	{mixtureKind, "0.8 and 0.9", 1, 553 * topology.MiB},
	{mixtureKind, "0.10", 1, 0},
	{mixtureKind, "0.11 to 0.16", 3, 62 * topology.MiB},
	{mixtureKind, "0.17 to 0.22", 1, 0},
	{towerKind, "0.11 to 0.16", 2, 195 * topology.MiB},
	{towerKind, "0.17 to 0.22", 3, 290 * topology.MiB},
	{towerKind, "0.23 to 0.26", 3, 563 * topology.MiB},
}

// startComparison is what stands behind an estimate of the server.
func (s *Server) startComparison() StartComparison {
	c := StartComparison{Engine: s.Launch.Engine, Kind: s.comparedKind()}
	if c.Engine != VLLM {
		return c
	}
	v := s.Launch.Version
	c.Unaccounted = v.Before(0, 8)
	if !c.Unaccounted {
		for _, release := range comparedReleases {
			if v != (Version{}) && v.Before(0, release.before) || release.before == math.MaxInt64 {
				c.Releases = release.name
				break
			}
		}
	}
	for _, log := range comparedLogs {
		switch {
		case log.kind != c.Kind:
		case log.releases == c.Releases:
			c.Logs, c.Off = log.logs, log.off
		default:
			c.Others += log.logs
		}
	}
	return c
}

// comparedKind is the kind of the model, by what is hardest to tell of it.
func (s *Server) comparedKind() string {
	tower := false
	for i := range s.stages {
		tower = tower || s.stages[i].weights[model.TowerPart] > 0
	}
	switch {
	case tower:
		return towerKind
	case s.hasRecurrentState():
		return stateKind
	case s.isLatent():
		return latentKind
	case s.Model.ActiveExperts > 0:
		return mixtureKind
	}
	return denseKind
}

// widenMargin is the margin of an estimate of which so much is expected to be off: no less than what logs like it were off by,
// and more the fewer of them there are.
func (c *StartComparison) widenMargin(margin, budget topology.Bytes) topology.Bytes {
	const few = 3
	switch {
	case c.Unaccounted:
		return margin + budget/10
	case c.Logs >= few:
		return max(margin, c.Off)
	case c.Logs > 0:
		return max(margin, c.Off+inGiB(0.25))
	case c.Others > 0:
		return margin + inGiB(0.25)
	}
	return margin + inGiB(0.5) + budget/100
}

// String says where the margin comes from.
func (c StartComparison) String() string {
	releases := ""
	if c.Releases != "" {
		releases = " " + c.Releases
	}
	logs := "start-up logs"
	if c.Logs == 1 {
		logs = "start-up log"
	}
	switch {
	case c.Engine != VLLM:
		return fmt.Sprintf("no start-up logs of %s were compared", c.Engine.Title())
	case c.Unaccounted:
		return "this release runs vLLM's V0 engine, which divides memory otherwise: what is left for the KV cache is unknown, take the " +
			"figures for V1's"
	case c.Logs > 0:
		return fmt.Sprintf("%d %s of %s on vLLM%s compared: the worst left %s less than estimated", c.Logs, logs, c.Kind, releases, c.Off)
	case c.Others > 0:
		return fmt.Sprintf("no start-up log of %s on vLLM%s was compared, %d of other releases were", c.Kind, releases, c.Others)
	}
	return fmt.Sprintf("no start-up log of %s was compared", c.Kind)
}
