// Command generate writes the small trace of bench/openb: a node list and pod lists in
// the format of Alibaba's trace openb, drawn from the distribution in distribution.go.
//
//	go run ./bench/openb/generate     # writes bench/openb/testdata/small
//
// The same seed gives the same bytes on every machine: only whole numbers are drawn and
// reckoned with. No row is copied from the public trace.
package main
