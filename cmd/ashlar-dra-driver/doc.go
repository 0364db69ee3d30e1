// Command ashlar-dra-driver publishes the GPUs of a node, or of many simulated
// nodes, as ResourceSlices.
package main
