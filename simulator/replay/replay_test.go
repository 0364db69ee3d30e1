package replay

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/trace"
)

const header = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"

const small = header + `p-2,4000,1024,1,460,,LS,Running,200,900,260
p-1,8000,1024,8,1000,V100M16|V100M32,BE,Running,100,400,100
p-3,8000,1024,0,0,,BE,Failed,300,350,
`

var testHost = simulator.Host{CPU: 64_000, Memory: 1 << 38}

func nodes() []trace.Node {
	var all []trace.Node
	for _, name := range []string{"n-0", "n-1", "n-2", "n-3"} {
		all = append(all, trace.Node{Name: name, Host: testHost, GPUs: 8, Model: "V100M32"})
	}
	return append(all, trace.Node{Name: "n-4", Host: testHost, GPUs: 2, Model: "T4"})
}

// readSmall reads the pods of the tests.
func readSmall(t *testing.T) []trace.Pod {
	t.Helper()
	pods, err := trace.ReadTimedPods("a.csv", strings.NewReader(small))
	require.NoError(t, err)
	return pods
}

// Its own times are kept; models and shares are respected.
func TestOwnTimes(t *testing.T) {
	pods := readSmall(t)
	in, err := Input(pods, nodes(), Options{Window: simulator.Hour, Policy: "first-fit"})
	require.NoError(t, err)
	var log strings.Builder
	result, err := simulator.Run(in, simulator.Watch{Log: &log})
	require.NoError(t, err)
	require.EqualValues(t, 3, result.Jobs.Finished)
	require.Contains(t, log.String(), `{"t":100000,"n":2,"event":"placed","job":"p-1","on":[{"node":"n-0"`)
	require.Contains(t, log.String(), `"event":"departure","job":"p-1"`)
	// Only those of the last 150 seconds.
	in, err = Input(pods, nodes(), Options{Window: 150 * simulator.Second, Policy: "first-fit"})
	require.NoError(t, err)
	require.Len(t, in.Jobs, 2)
	require.Equal(t, 50*simulator.Second, in.Jobs[0].Arrives)
}

// Drawn arrivals ask for the load, and are the same for the same seed.
func TestLoad(t *testing.T) {
	pods := readSmall(t)
	o := Options{Window: 30 * simulator.Day, Load: 0.9, Seed: 1, Policy: "first-fit"}
	in, err := Input(pods, nodes(), o)
	require.NoError(t, err)
	work := 0.0
	milli := map[string]float64{"share 460m": 0.46, "8 GPUs V100M16|V100M32": 8}
	for i := range in.Jobs {
		work += milli[in.Jobs[i].Template.Name] * float64(in.Jobs[i].Runs)
	}
	require.InEpsilon(t, 0.9*34*float64(o.Window), work, 0.05)
	again, err := Input(pods, nodes(), o)
	require.NoError(t, err)
	require.Len(t, again.Jobs, len(in.Jobs))
	require.Equal(t, in.Jobs[17].Arrives, again.Jobs[17].Arrives)
}

func TestScale(t *testing.T) {
	kept, err := ScaleNodes(nodes(), 0.6)
	require.NoError(t, err)
	var names []string
	for _, n := range kept {
		names = append(names, n.Name)
	}
	require.Equal(t, []string{"n-0", "n-1", "n-4"}, names)
	for _, factor := range []float64{0, -1, 1.5} {
		_, err := ScaleNodes(nodes(), factor)
		require.ErrorContains(t, err, "want above 0 and up to 1")
	}
}

func TestInputRefuses(t *testing.T) {
	pods := readSmall(t)
	for want, o := range map[string]Options{
		"a window of 0s":         {Policy: "first-fit"},
		"load -1":                {Window: 1, Load: -1, Policy: "first-fit"},
		`unknown policy "best"`:  {Window: 1, Policy: "best"},
		"more than 1000000 arri": {Window: simulator.MaxTime, Load: 100, Policy: "first-fit"},
	} {
		_, err := Input(pods, nodes(), o)
		require.ErrorContains(t, err, want)
	}
}
