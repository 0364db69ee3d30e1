package serverhost

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

const model = "org/some-model"

// readServer is the server in a pod's specification, whose first container serves.
func readServer(t *testing.T, spec string) *ModelServer {
	t.Helper()
	var pod corev1.PodSpec
	if err := yaml.UnmarshalStrict([]byte(spec), &pod); err != nil {
		t.Fatalf("%v in %s", err, spec)
	}
	return &ModelServer{Pod: &pod, Container: &pod.Containers[0], Model: model, Launch: memory.Launch{Engine: memory.VLLM}}
}

func TestHostNotes(t *testing.T) {
	claim := func(size string, modes ...corev1.PersistentVolumeAccessMode) map[string]*corev1.PersistentVolumeClaim {
		text := "{metadata: {name: models}, spec: {resources: {requests: {storage: " + size + "}}}}"
		var c corev1.PersistentVolumeClaim
		if err := yaml.UnmarshalStrict([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		c.Spec.AccessModes = modes
		return map[string]*corev1.PersistentVolumeClaim{"models": &c}
	}
	two := func(s *ModelServer) { s.Launch.TensorParallel = 2 }
	large := func(s *ModelServer) { s.Weights = 100 * topology.GiB }
	three := func(s *ModelServer) { s.Replicas = 3 }
	const shm = "volumeMounts: [{name: shm, mountPath: /dev/shm/}]}], volumes: [{name: shm, "
	const gated = "meta-llama/Llama-3.1-8B-Instruct"
	llama := func(s *ModelServer) { s.Model = gated }
	noEngine := func(s *ModelServer) { s.Launch.Engine = "" }
	const shared = "{containers: [{name: c}], volumes: [{name: v, persistentVolumeClaim: {claimName: models}}]}"
	const downloads = "args: [--model=" + model + "], volumeMounts: [{name: cache, mountPath: /root/.cache}]}], volumes: [{name: cache, "
	for name, tc := range map[string]struct {
		spec   string
		change func(*ModelServer)
		want   []string // what each note has
	}{
		"nothing to say": {"{containers: [{name: c}]}", nil, nil},

		"no shared memory": {"{containers: [{name: c}]}", two, []string{"2 processes serve the model together and /dev/shm is not mounted"}},
		"shared memory":    {"{containers: [{name: c, " + shm + "emptyDir: {medium: Memory}}]}", two, nil},
		"of the host":      {"{hostIPC: true, containers: [{name: c}]}", two, nil},
		"the host's path":  {"{containers: [{name: c, " + shm + "hostPath: {path: /dev/shm}}]}", two, nil},
		"on disk":          {"{containers: [{name: c, " + shm + "emptyDir: {}}]}", two, []string{"volume shm at /dev/shm is on the node's disk"}},
		"too little": {
			"{containers: [{name: c, " + shm + "emptyDir: {medium: Memory, sizeLimit: 64Mi}}]}", two,
			[]string{"is limited to 64Mi, and vLLM's queue"},
		},
		"mounted elsewhere": {
			"{containers: [{name: c, volumeMounts: [{name: shm, mountPath: /shm}]}], volumes: [{name: shm, emptyDir: {medium: Memory}}]}", two,
			[]string{"/dev/shm is not mounted"},
		},
		"one GPU here":        {"{containers: [{name: c, resources: {limits: {nvidia.com/gpu: 1}}}]}", two, nil},
		"one shared GPU here": {"{containers: [{name: c, resources: {limits: {nvidia.com/gpu.shared: 1}}}]}", two, nil},
		"one slice here":      {"{containers: [{name: c, resources: {limits: {nvidia.com/mig-3g.40gb: 1}}}]}", two, nil},

		"liveness too short": {
			"{containers: [{name: c, livenessProbe: {httpGet: {port: 80}, initialDelaySeconds: 60}}]}", large,
			[]string{"the livenessProbe gives 1m30s, and a start takes about 3m10s (100GiB of weights at 1GiB/s, 1m30s for the rest)"},
		},
		"liveness long enough": {
			"{containers: [{name: c, livenessProbe: {httpGet: {port: 80}, initialDelaySeconds: 160}}]}", large, nil,
		},
		"liveness of an eager server": {
			"{containers: [{name: c, livenessProbe: {tcpSocket: {port: 80}, initialDelaySeconds: 120}}]}",
			func(s *ModelServer) { large(s); s.Launch.Eager = true }, nil,
		},
		"startup stands before liveness": {
			"{containers: [{name: c, livenessProbe: {httpGet: {port: 80}}, startupProbe: {httpGet: {port: 80}, failureThreshold: 60}}]}", large, nil,
		},
		"startup too short": {
			"{containers: [{name: c, startupProbe: {grpc: {port: 80}, periodSeconds: 5, failureThreshold: 20}}]}", large,
			[]string{"the startupProbe gives 1m40s, and a start takes about 3m10s (100GiB of weights at 1GiB/s, 1m30s for the rest): the kubelet " +
				"restarts the container again and again before it is up: give it failureThreshold: 40 with periodSeconds: 10"},
		},
		"a command may answer anything": {"{containers: [{name: c, livenessProbe: {exec: {command: [ready]}}}]}", large, nil},

		"memory limit": {
			"{containers: [{name: c, resources: {limits: {memory: 32Gi}}}]}", large,
			[]string{"100GiB of weights pass through a memory limit of 32Gi"},
		},
		"memory enough": {"{containers: [{name: c, resources: {limits: {memory: 128Gi}}}]}", large, nil},
		"offloaded weights": {
			"{containers: [{name: c, resources: {limits: {memory: 128Gi}}}]}",
			func(s *ModelServer) {
				s.Launch.CPUOffload, s.Launch.PipelineParallel, s.Pod.HostIPC = 70*topology.GiB, 2, true
			},
			[]string{"140GiB of weights stay in host memory, and the container's limit is 128Gi: it is killed"},
		},
		"CPU limit": {
			"{hostIPC: true, containers: [{name: c, resources: {limits: {cpu: 6}}}]}", two,
			[]string{"the CPU limit of 6 throttles threads in bursts"},
		},
		"small CPU limit": {
			"{containers: [{name: c, resources: {limits: {cpu: 2500m}}}]}", nil, []string{"less than the 3 CPUs that vLLM keeps busy"},
		},
		"CPU request": {"{containers: [{name: c, resources: {requests: {cpu: 8}}}]}", nil, nil},

		"one volume, unknown": {shared, three, []string{"models, which this manifest does not have: if it is ReadWriteOnce"}},
		"one volume": {
			shared, func(s *ModelServer) { three(s); s.Neighbours.Claims = claim("1Ti", corev1.ReadWriteOnce) },
			[]string{"3 replicas share the volume of PersistentVolumeClaim models, which is ReadWriteOnce: replicas on other nodes"},
		},
		"one volume, one pod": {
			shared, func(s *ModelServer) { three(s); s.Neighbours.Claims = claim("1Ti", corev1.ReadWriteOncePod) },
			[]string{"which is ReadWriteOncePod: only one of them starts"},
		},
		"a volume for many": {
			shared, func(s *ModelServer) {
				three(s)
				s.Neighbours.Claims = claim("1Ti", corev1.ReadWriteOnce, corev1.ReadWriteMany)
			}, nil,
		},
		"one replica": {shared, func(s *ModelServer) { s.Replicas = 1 }, nil},

		"cache too small": {
			"{containers: [{name: c, " + downloads + "emptyDir: {sizeLimit: 50Gi}}]}", large,
			[]string{"100GiB of weights are downloaded into volume cache, an emptyDir of 50Gi: the server is evicted"},
		},
		"cache of a claim": {
			"{containers: [{name: c, " + downloads + "persistentVolumeClaim: {claimName: models}}]}",
			func(s *ModelServer) { large(s); s.Neighbours.Claims = claim("80Gi", corev1.ReadWriteOnce) },
			[]string{"PersistentVolumeClaim models of 80Gi: the server is stopped for want of space"},
		},
		"cache of a template": {
			"{containers: [{name: c, args: [--model=" + model + "], volumeMounts: [{name: models, mountPath: /root/.cache}]}]}",
			func(s *ModelServer) {
				large(s)
				three(s) // each has its own
				s.Neighbours.Templates = claim("80Gi", corev1.ReadWriteOnce)
			},
			[]string{"PersistentVolumeClaim models of 80Gi: the server is stopped for want of space"},
		},
		"cache large enough": {"{containers: [{name: c, " + downloads + "emptyDir: {sizeLimit: 150Gi}}]}", large, nil},
		"no volume": {
			"{containers: [{name: c, args: [serve, " + model + "], resources: {limits: {ephemeral-storage: 20Gi}}}]}", large,
			[]string{"the container's own storage, limits.ephemeral-storage 20Gi"},
		},
		"cache elsewhere": {
			"{containers: [{name: c, env: [{name: HF_HOME, value: /models}], " + downloads + "emptyDir: {sizeLimit: 50Gi}}]}", large, nil,
		},
		"model in a volume": {
			"{containers: [{name: c, args: [--model=/mnt/models], resources: {limits: {ephemeral-storage: 20Gi}}}]}", large, nil,
		},

		"cache in memory": {
			"{containers: [{name: c, resources: {limits: {memory: 64Gi}}, " + downloads + "emptyDir: {medium: Memory}}]}", large,
			[]string{"100GiB of weights are downloaded into volume cache, which is memory and counts within the limit of 64Gi"},
		},
		"cache in memory, with room": {
			"{containers: [{name: c, resources: {limits: {memory: 160Gi}}, " + downloads + "emptyDir: {medium: Memory}}]}", large, nil,
		},
		"cache within the pod's limit": {
			"{containers: [{name: c, resources: {limits: {ephemeral-storage: 20Gi}}, " + downloads + "emptyDir: {}}]}", large,
			[]string{"volume cache, an emptyDir, which counts within limits.ephemeral-storage 20Gi: the server is evicted"},
		},
		"cache without limits": {"{containers: [{name: c, " + downloads + "emptyDir: {}}]}", large, nil},

		"gated": {
			"{containers: [{name: c, args: [" + gated + "]}]}", llama, []string{gated + " is gated, and the container has no token"},
		},
		"gated, into emptyDir": {
			"{containers: [{name: c, args: [serve, " + gated + "], volumeMounts: [{name: v, mountPath: /root}]}], " +
				"volumes: [{name: v, emptyDir: {}}]}", llama, []string{"is gated"},
		},
		"gated, with a token": {"{containers: [{name: c, args: [" + gated + "], env: [{name: HF_TOKEN, value: x}]}]}", llama, nil},
		"gated, with a token in the script": {
			"{containers: [{name: c, command: [sh, -c], args: ['hf auth login --token $T; vllm serve " + gated + "']}]}", llama, nil,
		},
		"gated, with variables from elsewhere": {
			"{containers: [{name: c, args: [" + gated + "], envFrom: [{secretRef: {name: hub}}]}]}", llama, nil,
		},
		"gated, offline":  {"{containers: [{name: c, args: [" + gated + "], env: [{name: HF_HUB_OFFLINE, value: '1'}]}]}", llama, nil},
		"gated, a mirror": {"{containers: [{name: c, args: [" + gated + "], env: [{name: HF_ENDPOINT, value: 'http://hub'}]}]}", llama, nil},
		"gated, files that are kept": {
			"{containers: [{name: c, args: [" + gated + "], volumeMounts: [{name: v, mountPath: /root/.cache/huggingface}]}], " +
				"volumes: [{name: v, persistentVolumeClaim: {claimName: models}}]}", llama, nil,
		},
		"for everybody": {
			"{containers: [{name: c, args: [Qwen/Qwen3-8B]}]}", func(s *ModelServer) { s.Model = "Qwen/Qwen3-8B" }, nil,
		},

		"Triton with vLLM": {
			"{containers: [{name: c, image: 'nvcr.io/nvidia/tritonserver:24.08-vllm-python-py3'}]}", noEngine,
			[]string{"Triton's Python backend passes tensors through /dev/shm, which is not mounted"},
		},
		"Triton without Python": {"{containers: [{name: c, image: 'nvcr.io/nvidia/tritonserver:24.08-py3-min'}]}", noEngine, nil},
		"Triton with shared memory": {
			"{containers: [{name: c, image: 'nvcr.io/nvidia/tritonserver:24.08-vllm-python-py3', " + shm + "emptyDir: {medium: Memory}}]}",
			noEngine, nil,
		},

		"locked memory": {
			"{containers: [{name: c, resources: {limits: {rdma/ib: 1, nvidia.com/rdma_shared: 1}}}]}", nil,
			[]string{"nvidia.com/rdma_shared needs locked memory, and the container has no capability IPC_LOCK"},
		},
		"locked memory, allowed": {
			"{containers: [{name: c, securityContext: {capabilities: {add: [CAP_IPC_LOCK]}}, resources: {limits: {rdma/ib: 1}}}]}", nil, nil,
		},
		"locked memory, privileged": {
			"{containers: [{name: c, securityContext: {privileged: true}, resources: {limits: {rdma/ib: 1}}}]}", nil, nil,
		},

		"small CPU limit of another engine": {
			"{hostIPC: true, containers: [{name: c, resources: {limits: {cpu: 2}}}]}",
			func(s *ModelServer) { two(s); s.Launch.Engine = memory.SGLang }, []string{"less than the 3 CPUs that SGLang keeps busy with 2 GPUs"},
		},
		"enough CPU": {"{containers: [{name: c, resources: {limits: {cpu: 6}}}]}", nil, nil},

		"copies of a server": {"{containers: [{name: c}]}", func(s *ModelServer) { s.Launch.DataParallel = 4 }, nil},
		"copies that share experts": {
			"{containers: [{name: c}]}", func(s *ModelServer) { s.Launch.DataParallel, s.Launch.ExpertParallel = 4, true },
			[]string{"4 processes serve the model together"},
		},
		"little shared memory for another engine": {
			"{containers: [{name: c, " + shm + "emptyDir: {medium: Memory, sizeLimit: 64Mi}}]}",
			func(s *ModelServer) { two(s); s.Launch.Engine = memory.TGI }, []string{"limited to 64Mi, no more than containers have without it"},
		},

		"a little too short": {"{containers: [{name: c, livenessProbe: {httpGet: {port: 80}, initialDelaySeconds: 130}}]}", large, nil},
		"a command that calls it": {
			"{containers: [{name: c, livenessProbe: {exec: {command: [curl, -f, 'localhost:8000/health']}}}]}", large,
			[]string{"the livenessProbe gives 30s"},
		},
		"what only loads a model": {
			"{containers: [{name: c, livenessProbe: {httpGet: {port: 80}}}]}", func(s *ModelServer) { s.Launch.Engine = memory.Plain }, nil,
		},
		"an engine that is not known": {
			"{containers: [{name: c, livenessProbe: {httpGet: {port: 80}}, resources: {limits: {cpu: 1}}}]}", noEngine, nil,
		},
		"a faster disk": {
			"{containers: [{name: c, livenessProbe: {httpGet: {port: 80}, initialDelaySeconds: 80}}]}",
			func(s *ModelServer) { large(s); s.ReadingRate = 4 * topology.GiB }, nil,
		},
		"a slower disk": {
			"{containers: [{name: c, startupProbe: {httpGet: {port: 80}, failureThreshold: 30}}]}",
			func(s *ModelServer) { large(s); s.ReadingRate = 256 * topology.MiB },
			[]string{"the startupProbe gives 5m0s, and a start takes about 8m10s (100GiB of weights at 256MiB/s, 1m30s for the rest)"},
		},

		"a claim elsewhere that is only read": {
			"{containers: [{name: c, volumeMounts: [{name: v, mountPath: /m, readOnly: true}]}], " +
				"volumes: [{name: v, persistentVolumeClaim: {claimName: models}}]}", three, nil,
		},
		"a claim elsewhere with a name for many": {
			"{containers: [{name: c}], volumes: [{name: v, persistentVolumeClaim: {claimName: models-rwx}}]}", three, nil,
		},

		"service variables": {
			"{containers: [{name: c}]}", func(s *ModelServer) { s.Neighbours.Services = map[string]bool{"vllm": true} },
			[]string{"Service vllm makes Kubernetes set VLLM_PORT to tcp://"},
		},
		"no service variables": {
			"{enableServiceLinks: false, containers: [{name: c}]}",
			func(s *ModelServer) { s.Neighbours.Services = map[string]bool{"vllm": true} }, nil,
		},
		"own variable": {
			"{containers: [{name: c, env: [{name: VLLM_PORT, value: '5000'}]}]}",
			func(s *ModelServer) { s.Neighbours.Services = map[string]bool{"vllm": true} }, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := readServer(t, tc.spec)
			if tc.change != nil {
				tc.change(s)
			}
			var got []string
			for _, note := range s.HostNotes() {
				got = append(got, note.String())
			}
			same := slices.EqualFunc(got, tc.want, strings.Contains)
			if !same {
				t.Errorf("notes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}
}
