// Command ashlar-scheduler is kube-scheduler with Ashlar's plugins, run as a
// secondary scheduler: pods choose it by schedulerName. It takes kube-scheduler's
// flags and an ordinary KubeSchedulerConfiguration.
package main
