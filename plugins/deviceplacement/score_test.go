package deviceplacement

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func TestScoresFollowRank(t *testing.T) {
	require.Equal(t, map[string]int64{
		"fast":        100, // bandwidth decides first, whatever is lost
		"cheap":       66,  // 2 of 3 ranks up
		"expensive":   33,
		"dearest":     0,
		"cheap twice": 66, // equal ratings score equal
	}, scoresOf(map[string]cluster.NodeScore{
		"fast":        {Rating: placement.Rating{Bandwidth: 450, OpportunityCost: 900_000}},
		"cheap":       {Rating: placement.Rating{OpportunityCost: 10}},
		"cheap twice": {Rating: placement.Rating{OpportunityCost: 10}},
		"expensive":   {Rating: placement.Rating{OpportunityCost: 11}},
		"dearest":     {Rating: placement.Rating{OpportunityCost: 80_000}},
	}, 100))
	require.Equal(t, map[string]int64{"only": 100}, scoresOf(map[string]cluster.NodeScore{"only": {Rating: placement.Rating{OpportunityCost: 5}}}, 100))
	require.Empty(t, scoresOf(nil, 100))
}
