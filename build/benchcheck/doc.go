// Command benchcheck compares benchmarks with recorded ones and fails at one that has become
// slower, or allocates more, than chance explains.
//
//	go test -run '^$' -bench . -benchmem -count 8 ... | go run ./benchcheck -baseline FILE
//
// A threshold is not a number that somebody wrote down: it is the recorded mean, plus three
// recorded deviations or a share of the mean, whichever is more. Files are in Go's benchmark
// format, which benchstat reads too.
//
//	main.go     the flags, and the table that is printed
//	measure.go  what a file holds: samples by benchmark and unit
//	compare.go  one benchmark's two samples, and what they say
package main
