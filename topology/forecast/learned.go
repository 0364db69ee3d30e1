package forecast

// learnedDemand is the demand that was seen so far.
type learnedDemand struct {
	count map[PodClass]int64
	pods  int64
	// demand is what was learned when learnedAt pods had come, nil before.
	demand    *ClassDemand
	learnedAt int64
	// recent are the shapes of the last pods, next where the oldest is once it is full.
	recent []DemandShape
	next   int
}

const (
	// firstLesson is how many pods must have come before anything is expected: few
	// pods say little about their like.
	firstLesson = 64
	// nextLesson is by how many percent more pods must have come to learn again.
	nextLesson = 25
	// maxClasses bounds the classes that are told apart; pods of further ones are not
	// counted.
	maxClasses = 4096
)

// observeClass counts a pod, and reports whether the demand was learned anew. It is
// learned here and not when a cost is asked for: otherwise the number of questions would
// change the forecast.
func (l *learnedDemand) observeClass(class PodClass) (learned bool) {
	if class.Validate() != nil {
		return false
	}
	l.noteRecent(class)
	if _, known := l.count[class]; !known && len(l.count) >= maxClasses {
		return false
	}
	if l.count == nil {
		l.count = map[PodClass]int64{}
	}
	l.count[class]++
	l.pods++
	if l.pods < firstLesson || (l.pods-l.learnedAt)*100 < l.learnedAt*nextLesson {
		return false
	}
	l.learnedAt, l.demand = l.pods, demandFrom(l.count)
	return true
}
