// Package bench holds the benchmarks and the commands that write the tables
// of docs/results. Each folder is one question:
//
//	schedulers   how fast are pods bound, at what cost, next to the stock scheduler?
//	modelmemory  how close are predictions of a model server's memory to what was seen?
//	trainingmemory
//	             how close is the account of training memory to published measurements?
//	quality      how good are the GPUs that jobs get, next to other policies?
//	openb        how much of a cluster's GPUs do pods get, next to FGD?
//	simulator    what does a simulated job cost as clusters grow?
//	readme       writes the tables into their pages
package bench
