// Command openb compares Ashlar's policy with FGD on Alibaba's trace openb, seed by
// seed, and measures what an experiment costs.
//
//	go run ./bench/openb                                    # a small generated trace of this repository
//	go run ./bench/openb -traces FOLDER -expected FILE      # the public trace, next to FGD as published
//	  ... -readme docs/results/openb.md                     # also writes the tables there
//
// FOLDER has openb_node_list_gpu_node.csv and openb_pod_list_*.csv of
// cluster-trace-gpu-v2023 of github.com/alibaba/clusterdata. FILE has what was published
// for FGD by seed; without it FGD is run here, which agrees with it in every digit (package
// simulator/openb).
package main
