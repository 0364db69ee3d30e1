{{/* The KubeSchedulerConfiguration of ashlar-scheduler. */}}
{{- define "ashlar.schedulerConfig" -}}
# The profile that pods choose with schedulerName: ashlar-scheduler.
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection:
  leaderElect: true
  # A second replica leads after at most leaseDuration and 2.2 times retryPeriod.
  leaseDuration: 10s
  renewDeadline: 7s
  retryPeriod: 1s
  resourceName: ashlar-scheduler
  resourceNamespace: {{ .Release.Namespace }}
# About four requests for each pod with a claim.
clientConnection:
  qps: {{ .Values.scheduler.clientQPS }}
  burst: {{ .Values.scheduler.clientBurst }}
profiles:
- schedulerName: ashlar-scheduler
  plugins:
    multiPoint:
      enabled:
      - name: DevicePlacement
      - name: DevicePlacementScore
        weight: 10
      - name: Preemption
      - name: Coscheduling
      disabled:
      # DevicePlacement and Preemption embed them.
      - name: DynamicResources
      - name: DefaultPreemption
    # Keeps the pods of a PodGroup together in the queue.
    queueSort:
      enabled:
      - name: Coscheduling
      disabled:
      - name: "*"
    # First: DevicePlacement then knows the other pods of a group, and places all of them together.
    preFilter:
      enabled:
      - name: Coscheduling
    # Before Preemption: giving back an allocation is cheaper than evicting.
    postFilter:
      enabled:
      - name: DevicePlacement
    # Before Preemption, too: it says what a PodGroup of Kubernetes' own lacks (feature gate GenericWorkload).
    podGroupPostFilter:
      enabled:
      - name: Coscheduling
  pluginConfig:
{{- if .Values.scheduler.devicePlacement }}
  - name: DevicePlacement
    args:
{{ toYaml .Values.scheduler.devicePlacement | indent 6 }}
{{- else }}
  # What DevicePlacement does by default:
  # - name: DevicePlacement
  #   args:
  #     # Ranks the choices of devices on a node; ashlar simulate compares the policies.
  #     policy: keep-placeable
  #     # How long, and on how many nodes in different states, to look for what would make a
  #     # pod fit that fits nowhere. The queue waits for so long.
  #     explainTimeout: 1s
  #     maxExplainedNodes: 64
  #     # Whether what is expected of pods to come has a say in the order of nodes.
  #     forecast: true
  #     # How far apart the scores of the best and the worst node are, 0 to 100.
  #     scoreSpan: 100
  #     # How many of the nodes with the best devices are asked about a pod first. If other
  #     # plugins refuse them all the rest are asked at once. 0 always asks all nodes.
  #     candidates: 8
{{- end }}
  - name: Coscheduling
    args:
      # How long the first pods of a gang wait for the others.
      permitWaitingTimeSeconds: {{ .Values.scheduler.gangWaitSeconds }}
{{- end }}
