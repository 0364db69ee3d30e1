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

// choices numbers the way that a run takes at each fork.
type choices struct {
	taken, ways []int
	next        int
	steps       int
	work        int // bytes that expansions came to
	parsed      map[string]parsed
}

// parsed is a script that need not be read again for the next run.
type parsed struct {
	commands commandList
	relevant map[string]bool
}

// spend counts work, and refuses more than maxWork.
func (c *choices) spend(bytes int) error {
	if c.work += bytes; c.work > maxWork {
		return errTooManyWays
	}
	return nil
}

func (c *choices) parse(text string) (parsed, error) {
	if found, again := c.parsed[text]; again {
		return found, nil
	}
	if err := c.spend(len(text)); err != nil {
		return parsed{}, err
	}
	commands, err := parseScript(text)
	if err != nil {
		return parsed{}, err
	}
	p := parsed{commands, relevant(commands)}
	c.parsed[text] = p
	return p, nil
}

func (c *choices) choose(ways int) int {
	if c.next == len(c.taken) {
		c.taken, c.ways = append(c.taken, 0), append(c.ways, ways)
	}
	c.next++
	return c.taken[c.next-1]
}

// advance goes to the next way and reports whether there is one.
func (c *choices) advance() bool {
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

// runs returns the programs that each possible run of a script starts. arguments
// are $0, $1 and so on.
func runs(h *holes, script string, env environment, arguments []string, place string) ([][]started, error) {
	way := &choices{parsed: map[string]parsed{}}
	var all [][]started
	for {
		var out []started
		sh := &shell{holes: h, variables: map[string]variable{}, functions: map[string]shellCommand{}, place: place, choices: way, out: &out, arguments: arguments}
		for name, value := range env {
			sh.variables[name] = variable{text: value, exported: true}
		}
		if err := sh.script(script); err != nil {
			return nil, err
		}
		all = append(all, out)
		if !way.advance() {
			return all, nil
		}
		if len(all) == maxRuns {
			return nil, errTooManyWays
		}
	}
}
