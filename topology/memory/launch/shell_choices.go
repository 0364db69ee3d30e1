package launch

import (
	"errors"
)

const (
	// maxRuns bounds in how many ways a script may turn out.
	maxRuns = 64
	// maxSteps bounds the commands of all runs of a script together.
	maxSteps = 1 << 15
	// maxScripts bounds scripts that call scripts.
	maxScripts = 8
	// maxWork bounds the bytes of all expansions, and of scripts read.
	maxWork = 16 << 20
)

// runChoices numbers the way that a run takes at each fork.
type runChoices struct {
	taken, ways []int
	next        int
	steps       int
	work        int // bytes that expansions came to
	parsed      map[string]parsedScript
}

// parsedScript is a script that need not be read again for the next run.
type parsedScript struct {
	commands commandList
	relevant map[string]bool
}

// spendWork counts work, and refuses more than maxWork.
func (c *runChoices) spendWork(bytes int) error {
	if c.work += bytes; c.work > maxWork {
		return errTooManyWays
	}
	return nil
}

func (c *runChoices) parseOnce(text string) (parsedScript, error) {
	if found, again := c.parsed[text]; again {
		return found, nil
	}
	if err := c.spendWork(len(text)); err != nil {
		return parsedScript{}, err
	}
	commands, err := parseScript(text)
	if err != nil {
		return parsedScript{}, err
	}
	p := parsedScript{commands, relevantVariables(commands)}
	c.parsed[text] = p
	return p, nil
}

func (c *runChoices) chooseWay(ways int) int {
	if c.next == len(c.taken) {
		c.taken, c.ways = append(c.taken, 0), append(c.ways, ways)
	}
	c.next++
	return c.taken[c.next-1]
}

// nextRun goes to the next way and reports whether there is one.
func (c *runChoices) nextRun() bool {
	c.taken, c.ways = c.taken[:c.next], c.ways[:c.next]
	for i := len(c.taken) - 1; i >= 0; i-- {
		if c.taken[i]++; c.taken[i] < c.ways[i] {
			c.taken, c.ways, c.next = c.taken[:i+1], c.ways[:i+1], 0
			return true
		}
	}
	return false
}

var errTooManyWays = errors.New("the script may turn out in too many ways to follow")

// followScript returns the programs that each possible run of a script starts. arguments
// are $0, $1 and so on.
func followScript(h *unknownTexts, script string, env containerEnv, arguments []string, place string) ([][]startedProgram, error) {
	way := &runChoices{parsed: map[string]parsedScript{}}
	var all [][]startedProgram
	for {
		var out []startedProgram
		sh := &shellRun{unknowns: h, variables: map[string]shellVariable{}, functions: map[string]shellCommand{}, place: place, choices: way,
			out: &out, arguments: arguments}
		for name, value := range env {
			sh.variables[name] = shellVariable{text: value, exported: true}
		}
		if err := sh.runScript(script); err != nil {
			return nil, err
		}
		all = append(all, out)
		if !way.nextRun() {
			return all, nil
		}
		if len(all) == maxRuns {
			return nil, errTooManyWays
		}
	}
}
