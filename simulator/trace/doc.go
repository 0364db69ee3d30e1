// Package trace reads the files of Alibaba's trace openb (cluster-trace-gpu-v2023 of
// github.com/alibaba/clusterdata), and others of the same format: a node list and a pod
// list, CSV with a header each.
//
//	sn,cpu_milli,memory_mib,gpu,model                               ReadNodes
//	name,cpu_milli,memory_mib,num_gpu,gpu_milli[,gpu_spec]          ReadPods
//	  ...,qos,creation_time,deletion_time,scheduled_time            ReadTimedPods
//
// It also reads the job logs of other clusters in their published form, of which only jobs are
// taken: Philly, Helios and Alibaba PAI 2020 (ReadJobLog in joblog.go; a file each).
//
// Columns may be in any order, others are ignored. Amounts are whole numbers, times are
// in seconds since the start of the trace. What a file holds is not judged beyond what
// makes a row impossible; the errors name file, line and column. Files are bounded in
// bytes and rows, so that any file can be tried.
package trace
