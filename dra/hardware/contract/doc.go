// Package contract tests what NVML promises of MIG, and what the driver builds on: that
// compute instances come and go before their GPU instance does, that placements are taken
// as asked for and never overlap, which codes say what. The tests run against the
// simulated NVML on several machines, and against a real GPU with
//
//	make silicon
//
// which needs an NVIDIA driver, root, and a GPU that nobody uses: its MIG mode is switched
// and put back. It writes what the GPU answered to a file, silicon-capture.json unless
// CAPTURE names another. Without a driver it is skipped.
package contract
