package forecast

import "math"

// unfit is the rating of a node that a class does not fit on.
const unfit = math.MinInt64

// tournament keeps the best of a range of ratings, the first of equals: a change costs
// one comparison per level of a binary tree. winner[k] is the best of the ratings
// below inner node k, whose children are 2k and 2k+1; from len(ratings) on they stand
// for the ratings themselves.
type tournament struct {
	ratings []int64
	winner  []int32
}

func newTournament(ratings []int64) tournament {
	return tournament{ratings, make([]int32, len(ratings))}
}

// at is the best below node k.
func (t *tournament) at(k int) int32 {
	if k >= len(t.ratings) {
		return int32(k - len(t.ratings))
	}
	return t.winner[k]
}

// better is the better of two, which may be the same. The ranges below a node of an
// uneven tree are not in order, so equals are told apart by their index.
func (t *tournament) better(a, b int32) int32 {
	if t.ratings[b] > t.ratings[a] || t.ratings[b] == t.ratings[a] && b < a {
		return b
	}
	return a
}

// build holds the whole tournament.
func (t *tournament) build() {
	for k := len(t.ratings) - 1; k > 0; k-- {
		t.winner[k] = t.better(t.at(2*k), t.at(2*k+1))
	}
}

// update repeats the matches of one rating that changed.
func (t *tournament) update(i int32) {
	for k := (len(t.ratings) + int(i)) / 2; k > 0; k /= 2 {
		won := t.better(t.at(2*k), t.at(2*k+1))
		if won == t.winner[k] && won != i {
			return // nothing above has heard of i
		}
		t.winner[k] = won
	}
}

// best is the best rating for which admits holds, not found without any. It asks
// about few unless many of the best are refused.
func (t *tournament) best(admits func(i int32) bool) (best int32, found bool) {
	if len(t.ratings) == 0 {
		return 0, false
	}
	return t.bestBelow(1, admits)
}

func (t *tournament) bestBelow(k int, admits func(i int32) bool) (best int32, found bool) {
	won := t.at(k)
	if t.ratings[won] == unfit {
		return 0, false
	}
	if admits(won) {
		return won, true
	}
	if k >= len(t.ratings) {
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
	return t.better(left, right), true
}
