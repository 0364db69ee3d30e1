// Command schedulers binds the same pods with the stock scheduler and with Ashlar
// on the same real control plane, and prints the rates and their ratio.
//
//	go run ./bench/schedulers                    # 500 nodes of 160 devices
//	go run ./bench/schedulers --readme README.md # also writes the table there
//	go run ./bench/schedulers --device-plugin    # 1,000 nodes whose GPUs a device plugin hands out
package main
