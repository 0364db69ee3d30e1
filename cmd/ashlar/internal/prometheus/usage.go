package prometheus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheusapi "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// GPUUse is what runs on a GPU.
type GPUUse struct {
	// UsedBytes is the memory that is in use, in bytes.
	UsedBytes int64 `json:"usedBytes"`
	// Busy is the part of the last ten minutes in which the GPU worked, 0 to 1; -1 if that is not measured.
	Busy float64 `json:"busy"`
}

// IsIdle reports whether the GPU did next to nothing in the last ten minutes.
func (u GPUUse) IsIdle() bool { return u.Busy >= 0 && u.Busy < 0.01 }

// The questions. DCGM exporter has memory in MiB, of a GPU in MIG mode one series for each instance,
// and how busy a GPU is either as a part or, of older GPUs, in percent.
const (
	memoryQuery = `(max by (UUID) (DCGM_FI_DEV_FB_USED{GPU_I_ID=""}) or ` +
		`sum by (UUID) (max by (UUID, GPU_I_ID) (DCGM_FI_DEV_FB_USED))) * 1048576`
	busyQuery = `max by (UUID) (avg_over_time(DCGM_FI_PROF_GR_ENGINE_ACTIVE[10m])) or ` +
		`max by (UUID) (avg_over_time(DCGM_FI_DEV_GPU_UTIL[10m])) / 100`
)

// askTimeout is how long a Prometheus may take for an answer.
const askTimeout = 10 * time.Second

// uuidLabel is the label of the GPU's UUID, as NVML has it.
const uuidLabel = "UUID"

// maxSeries bounds what is read of an answer.
const maxSeries = 1 << 18

// ReadUsage asks the Prometheus at an address about all GPUs, by UUID. The error says what to do.
func ReadUsage(ctx context.Context, address string) (map[string]GPUUse, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
		return nil, fmt.Errorf("%q is no address of a Prometheus: want one like http://prometheus.monitoring:9090", address)
	}
	client, err := api.NewClient(api.Config{Address: address})
	if err != nil {
		return nil, fmt.Errorf("the Prometheus at %s: %w", parsed.Redacted(), err)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	asked := prometheusapi.NewAPI(client)
	memory, err := askVector(ctx, asked, memoryQuery)
	if err != nil {
		return nil, fmt.Errorf("the Prometheus at %s: %w", parsed.Redacted(), err)
	}
	if len(memory) == 0 {
		return nil, fmt.Errorf("the Prometheus at %s has no DCGM_FI_DEV_FB_USED: is DCGM exporter scraped by it?", parsed.Redacted())
	}
	busy, err := askVector(ctx, asked, busyQuery)
	if err != nil {
		return nil, fmt.Errorf("the Prometheus at %s: %w", parsed.Redacted(), err)
	}
	usage := map[string]GPUUse{}
	for uuid, bytes := range memory {
		if bytes < 0 || bytes >= math.MaxInt64 {
			continue
		}
		use := GPUUse{UsedBytes: int64(bytes), Busy: -1}
		if part, found := busy[uuid]; found {
			use.Busy = min(max(part, 0), 1)
		}
		usage[uuid] = use
	}
	return usage, nil
}

// askVector asks a question whose answer is a figure for each UUID. What is no number is left out.
func askVector(ctx context.Context, asked prometheusapi.API, query string) (map[string]float64, error) {
	value, _, err := asked.Query(ctx, query, time.Time{})
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("no answer within %s", askTimeout)
		}
		return nil, fmt.Errorf("asking %s: %w", query, err)
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("asking %s: the answer is a %s, want a vector", query, value.Type())
	}
	figures := map[string]float64{}
	for _, sample := range vector[:min(len(vector), maxSeries)] {
		uuid, figure := string(sample.Metric[uuidLabel]), float64(sample.Value)
		if uuid != "" && !math.IsNaN(figure) && !math.IsInf(figure, 0) {
			figures[uuid] = figure
		}
	}
	return figures, nil
}
