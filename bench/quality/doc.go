// Command quality measures how good placements are: one node, jobs that come and go
// at a load of 0.8, one policy next to another on the same arrivals.
//
//	go run ./bench/quality                     # prints the tables
//	go run ./bench/quality --readme docs/results/quality.md  # also writes them there
package main
