package policy

import "math"

// unfitScore is the score of a node that a class does not fit on.
const unfitScore = math.MinInt64

// scoreTournament keeps the best of a range of scores, the first of equals: a change costs
// one comparison per level of a binary tree. winner[k] is the best of the scores
// below inner node k, whose children are 2k and 2k+1; from len(scores) on they stand
// for the scores themselves.
type scoreTournament struct {
	scores []int64
	winner []int32
}

func newScoreTournament(scores []int64) scoreTournament {
	return scoreTournament{scores, make([]int32, len(scores))}
}

// winnerAt is the best below node k.
func (t *scoreTournament) winnerAt(k int) int32 {
	if k >= len(t.scores) {
		return int32(k - len(t.scores))
	}
	return t.winner[k]
}

// betterOf is the better of two, which may be the same. The ranges below a node of an
// uneven tree are not in order, so equals are told apart by their index.
func (t *scoreTournament) betterOf(a, b int32) int32 {
	if t.scores[b] > t.scores[a] || t.scores[b] == t.scores[a] && b < a {
		return b
	}
	return a
}

// playAll plays all matches.
func (t *scoreTournament) playAll() {
	for k := len(t.scores) - 1; k > 0; k-- {
		t.winner[k] = t.betterOf(t.winnerAt(2*k), t.winnerAt(2*k+1))
	}
}

// replayMatches repeats the matches of one score that changed.
func (t *scoreTournament) replayMatches(i int32) {
	for k := (len(t.scores) + int(i)) / 2; k > 0; k /= 2 {
		won := t.betterOf(t.winnerAt(2*k), t.winnerAt(2*k+1))
		if won == t.winner[k] && won != i {
			return // i neither was nor is the winner here, so no ancestor changes
		}
		t.winner[k] = won
	}
}

// bestAdmitted is the best score for which admits holds, not found without any. It asks
// about few unless many of the best are refused.
func (t *scoreTournament) bestAdmitted(admits func(i int32) bool) (best int32, found bool) {
	if len(t.scores) == 0 {
		return 0, false
	}
	return t.bestBelow(1, admits)
}

func (t *scoreTournament) bestBelow(k int, admits func(i int32) bool) (best int32, found bool) {
	won := t.winnerAt(k)
	if t.scores[won] == unfitScore {
		return 0, false
	}
	if admits(won) {
		return won, true
	}
	if k >= len(t.scores) {
		return 0, false
	}
	left, foundLeft := t.bestBelow(2*k, admits)
	right, foundRight := t.bestBelow(2*k+1, admits)
	switch {
	case !foundRight:
		return left, foundLeft
	case !foundLeft:
		return right, true
	}
	return t.betterOf(left, right), true
}
